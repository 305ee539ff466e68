# After a failed sync nobody knows what the disk holds; a second one may say "done" of pages that were dropped. So the node ends itself, and the others go on.
# Wrong would be: 2 goes on as if nothing had happened.
nodes 3
disk 2 fails
1: SET k v
run 1s
2: GET k
leaders
---
1: SET k v → OK
2 ends itself: the disk failed to sync
2: GET k → no connection
1 leads in term 1

disk 2 usual
start 2
run 1s
2: GET k
equal
---
2: GET k → "v"
all replicas are equal
