# The key expires while a weak write that had seen it is on its way. Expiry is no strong write: the new value stands.
# Wrong would be: nothing.
nodes 3
1: SET k v PX 300
run 100ms
isolate 3
3: SET@causal k again
run 2s
1: GET k
heal
run 1s
state k
conflicts k
---
1: SET k v PX 300 → OK
3: SET@causal k again → OK (tentative)
1: GET k → nothing
k at 1 2 3: "again"
at 1 2 3: no conflicts
