# Somebody deleted the log. The folder says that one was begun, so what this node has promised is forgotten.
# Wrong would be: it starts as if it were new, and votes.
nodes 3
1: SET k v
crash 2 kill
disk 2 lose
start 2
1: SET k w
---
1: SET k v → OK
2 does not start: the log is gone: the data folder says that there was one
1: SET k w → OK
