# The leader's last entry stands in its log and nobody else has it. It restarts, still alone: what its log holds is not what is decided.
# Wrong would be: "maybe" is shown before a majority has it. (In the end it is decided: node 1 has the longest log and leads again. Its client was told nothing.)
nodes 3
1: SET k v
run 100ms
isolate 1
1: SET k maybe [later]
run 10ms
crash 1 kill
start 1
run 30ms
log 1
state k
---
1: SET k v → OK
1 hears SET k maybe → the connection is lost
term 1: SET k v
term 1: SET k maybe, undecided
k at 1 2 3: "v"

heal
run 2s
state k
---
1 leads in term 2
k at 1 2 3: "maybe"
