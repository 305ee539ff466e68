# Wrong would be: half a snapshot is taken for a whole one.
nodes 3 snapshot=20000
crash 3 kill
fill 1 keys=200 bytes=1000
fill 1 keys=200 bytes=1001
run 1s
hold snapshot-piece
start 3
run 100ms
crash 3 power
forget
run 100ms
start 3
run 5s
equal
---
3 has installed a snapshot
all replicas are equal
