# Disks are slow. The write is in the memory of all three nodes and on the disk of one; whether it will ever count nobody can know yet.
# Wrong would be: OK within these two seconds (reply before sync).
nodes 3
disk 2 slow 10s
disk 3 slow 10s
1: WITH k linearizable DEADLINE 3000 DO SET k v [later]
run 2s
log 1
log 2
---
term 1: SET k v, undecided
an empty log

# The power fails. Node 1 still has it and may lead, so an unanswered write may be there afterwards, at all nodes alike.
crash all power
log 2
disk all usual
start all
run 2s
1: GET k
run 100ms
equal
---
1 hears WITH k linearizable DEADLINE 3000 DO SET k v → the connection is lost
an empty log
1 leads in term 2
1: GET k → "v"
all replicas are equal
