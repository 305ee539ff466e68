# The process is killed, the machine goes on: what was written and not synced is in its cache. More may be there than was answered, never less.
# Wrong would be: the node does not start, or forgets k altogether.
nodes 1
1: SET k v
disk 1 slow 20ms
1: SET k w [later]
run 10ms
crash 1 kill
disk 1 usual
start 1
run 1s
1: GET k
---
1: SET k v → OK
1 hears SET k w → the connection is lost
1 leads in term 2
1: GET k → "w"
