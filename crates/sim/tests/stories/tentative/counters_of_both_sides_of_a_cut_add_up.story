# A weak INCR answers with a local estimate; each counts once when the sides meet.
# Wrong would be: anything but 18.
nodes 3
1: INCRBY n 10
run 200ms
isolate 3
3: INCRBY@causal n 5
3: INCR@causal n
1: INCR n
2: INCR@causal n
state n
heal
run 1s
state n
equal
---
1: INCRBY n 10 → 10
3: INCRBY@causal n 5 → 15 (tentative)
3: INCR@causal n → 16 (tentative)
1: INCR n → 11
2: INCR@causal n → 11 (tentative)
n at 1: "11"
n at 2: "11", shown as "12"
n at 3: "10", shown as "16"
n at 1 2 3: "18"
all replicas are equal
