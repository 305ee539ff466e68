# The leader's own disk fails under a write. Its client's connection is lost: the write may have happened or not. The others elect, and what they hold is the same everywhere.
# Wrong would be: OK, or a node that goes on with a disk of which it knows nothing.
nodes 3
disk 1 fails
1: SET k v
run 2s
leaders
2: GET k
disk 1 usual
start 1
run 1s
equal
---
1: SET k v → the connection is lost
1 ends itself: the disk failed to sync
3 leads in term 2
3 leads in term 2
2: GET k → "v"
all replicas are equal
