# The power fails while a large batch is on its way to the disk: every other sector of it is there. Nobody was told that node 2 has it.
# Wrong would be: the node does not start, or takes the torn batch for data.
nodes 3
1: SET k v
run 100ms
disk 2 slow 50ms
fill 1 keys=1 bytes=3000
crash 2 torn
log 2
---
1: SET k v → OK
its end is torn
term 1: SET k v, undecided

disk 2 usual
start 2
run 1s
log 2
equal
---
term 1: SET k v
term 1: MSET of 1 keys
all replicas are equal
