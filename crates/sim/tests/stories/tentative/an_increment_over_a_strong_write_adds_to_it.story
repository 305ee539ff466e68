# An effect loses to nothing: it is added to whatever is there where it is decided.
# Wrong would be: 15, 100, or a conflict.
nodes 3
1: SET n 10
run 200ms
isolate 3
3: INCRBY@causal n 5
1: SET n 100
heal
run 1s
state n
conflicts n
---
1: SET n 10 → OK
3: INCRBY@causal n 5 → 15 (tentative)
1: SET n 100 → OK
n at 1 2 3: "105"
at 1 2 3: no conflicts
