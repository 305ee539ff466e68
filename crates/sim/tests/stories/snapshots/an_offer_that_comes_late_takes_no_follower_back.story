# A snapshot that was offered long ago reaches a follower who has decided more since. Wrong would be: it installs it, and a decided write is gone from its state.
nodes 3 snapshot=20000
crash 3 kill
fill 1 keys=200 bytes=1000
fill 1 keys=200 bytes=1001
run 1s
hold snapshot-offer from 1 to 3
start 3
run 6s
held
---
1 to 3: snapshot-offer

overtake
elect 2
run 10s
2: SET k v
run 100ms
state k
---
1 leads no more in term 1
2 leads in term 2
3 has installed a snapshot
2: SET k v → OK
k at 1 2 3: "v"

deliver
run 1s
state k
equal
---
k at 1 2 3: "v"
all replicas are equal
