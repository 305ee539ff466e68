# Node 3 takes a write, loses power, and comes back with a clock that is behind. Its next write must win over its own last one.
# Wrong would be: "first", because the clock of the second was lower.
nodes 3
isolate 3
3: SET@causal k first
crash 3 power
clock 3 back 400ms
start 3
3: SET@causal k second
heal
run 1s
state k
conflicts k
---
3: SET@causal k first → OK (tentative)
3: SET@causal k second → OK (tentative)
k at 1 2 3: "second"
at 1 2 3: no conflicts
