# The log was cut because the snapshot was durable: its content, and its name. Wrong would be: the name was never synced, and a node without log has no snapshot either.
nodes 3 snapshot=20000
fill 1 keys=100 bytes=1000
crash 1 power
start 1
run 1s
fill 1 keys=100 bytes=1001
crash 2 power
start 2
run 1s
fill 1 keys=100 bytes=1002
run 20ms
crash 3 power
start 3
fill 1 keys=100 bytes=1003
run 200ms
crash all power
start all
run 5s
equal
1: STRLEN "filling:99"
---
3 leads in term 2
1 leads in term 3
1 leads in term 4
all replicas are equal
1: STRLEN filling:99 → 1003
