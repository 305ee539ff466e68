# The same with acks=1, and a disk that never comes back. The contract says so: what only one disk held dies with it.
# Wrong would be: a promise that this cannot happen.
nodes 3
isolate 3
3: SET@causal k v
crash 3 power
disk 3 lose
heal
run 2s
state k
---
3: SET@causal k v → OK (tentative)
k at 1 2: nothing
