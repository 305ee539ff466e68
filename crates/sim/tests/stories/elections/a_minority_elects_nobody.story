# One node of three hears nobody. It does not lead and decides nothing, however long it waits.
# Wrong would be: 3 leads, or answers at linearizable. What it holds it may show to who asks for less.
nodes 3
1: SET k v
crash 1 power
crash 2 power
run 5s
leaders
3: SET k w
3: GET k
3: GET@causal k
---
1: SET k v → OK
nobody leads
3: SET k w → NOQUORUM
3: GET k → NOQUORUM
3: GET@causal k → "v"
