# Ann has seen the newer value at node 1, node 3 has the older. Wrong would be: she reads "new", then "old".
nodes 3
1: SET k old
run 200ms
hold append to 3
hold held to 3
1: SET@causal k new
run 50ms
ann@1: GET@causal k
ann@3: GET@causal k [later]
bob@3: GET@causal k
run 50ms
deliver
run 100ms
---
1: SET k old → OK
1: SET@causal k new → OK (tentative)
ann@1: GET@causal k → "new"
bob@3: GET@causal k → "old"
ann@3 hears GET@causal k → "new"
