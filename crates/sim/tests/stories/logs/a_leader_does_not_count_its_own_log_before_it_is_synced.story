# Two nodes are left. The follower has the entry on disk and says so; the leader has sent it before its own disk was done. One disk is no majority.
# Wrong would be: OK while the leader's disk is still busy.
nodes 3
crash 3 kill
disk 1 slow 800ms
1: SET k v [later]
run 500ms
log 2
---
term 1: SET k v, undecided

run 1s
---
1 hears SET k v → OK
