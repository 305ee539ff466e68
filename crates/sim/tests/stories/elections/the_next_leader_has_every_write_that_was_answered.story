# An answer means that a majority has the write on its disks. Whoever leads next was voted for by a majority, so it has it too.
# Wrong would be: a new leader that answers "nothing", or a term with two leaders.
nodes 3
1: SET k v
crash 1 power
run 2s
leaders
2: GET k
3: GET k
---
1: SET k v → OK
3 leads in term 2
3 leads in term 2
2: GET k → "v"
3: GET k → "v"
