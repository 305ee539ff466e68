# Wrong would be: the transfer waits for ever.
nodes 3 snapshot=20000
crash 3 kill
fill 1 keys=200 bytes=1000
fill 1 keys=200 bytes=1001
run 1s
lose snapshot-piece
start 3
run 1s
forget
run 20s
equal
---
3 has installed a snapshot
all replicas are equal
