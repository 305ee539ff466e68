# Wrong would be: the follower waits for the dead one.
nodes 3 snapshot=20000
crash 3 kill
fill 1 keys=200 bytes=1000
fill 1 keys=200 bytes=1001
run 1s
hold snapshot-piece
start 3
run 100ms
crash 1 power
forget
run 10s
leaders
equal
2: SET k v
---
2 leads in term 2
3 has installed a snapshot
2 leads in term 2
all replicas are equal
2: SET k v → OK
