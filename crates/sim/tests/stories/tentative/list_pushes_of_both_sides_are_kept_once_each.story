# A push is added to whatever is there; each origin's stay in their order.
# Wrong would be: an element is missing or stands twice, or d before a.
nodes 3
isolate 3
3: RPUSH@causal l a b
1: RPUSH@causal l c
run 200ms
3: RPUSH@causal l d
heal
run 1s
state l
equal
---
3: RPUSH@causal l a b → 2 (tentative)
1: RPUSH@causal l c → 1 (tentative)
3: RPUSH@causal l d → 3 (tentative)
l at 1 2 3: ["c", "a", "b", "d"]
all replicas are equal
