# Ann writes at node 1 and reads at node 2, which has not heard of the write yet. Her token says what she has written, so 2 waits for it.
# Wrong would be: nothing.
nodes 3
hold held from 1 to 2
hold append to 2
ann@1: SET@causal k v
ann@2: GET@causal k [later]
bob@2: GET@causal k
run 100ms
deliver
---
ann@1: SET@causal k v → OK (tentative)
bob@2: GET@causal k → nothing
ann@2 hears GET@causal k → "v"
