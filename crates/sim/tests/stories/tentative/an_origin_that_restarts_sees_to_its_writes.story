# The answer came when node 3 had the write on its disk. It dies before anybody heard of it, comes back, and the write is decided.
# Wrong would be: an acknowledged write is lost though its disk lives.
nodes 3
isolate 3
3: SET@causal k v
3: INCR@causal n
crash 3 power
heal
run 1s
start 3
run 1s
state k
state n
pending
---
3: SET@causal k v → OK (tentative)
3: INCR@causal n → 1 (tentative)
k at 1 2 3: "v"
n at 1 2 3: "1"
nothing is undecided
