# The old leader's last write reached one other node, and the answer never came back. That node leads next: it cannot know whether the write was decided, so it keeps and decides it.
# Wrong would be: 2 leads and drops an entry that may have been answered.
nodes 3
hold append to 3
hold append-response to 1
1: SET k v [later]
run 20ms
log 2
log 3
crash 1 power
forget
run 2s
leaders
3: GET k
log 3
---
term 1: SET k v, undecided
an empty log
1 hears SET k v → the connection is lost
2 leads in term 2
2 leads in term 2
3: GET k → "v"
term 1: SET k v
