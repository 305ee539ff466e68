# Two of three disks are a majority.
# Wrong would be: answers that wait for the third disk.
nodes 3
disk 3 slow 2s
1: SET a 1
1: SET b 2
run 100ms
log 3
run 10s
disk 3 usual
equal
---
1: SET a 1 → OK
1: SET b 2 → OK
an empty log
all replicas are equal
