# The node that took Ann's write is cut off. Nobody else has it, so nobody else may answer her as if she had not written it; Bob's session does not depend on it.
# Wrong would be: Ann hears nothing at causal.
nodes 3
isolate 1
ann@1: SET@causal k v
ann@2: GET@causal k
bob@2: GET@causal k
ann@2: GET@eventual k
heal
run 1s
ann@2: GET@causal k
---
ann@1: SET@causal k v → OK (tentative)
ann@2: GET@causal k → BEHIND
bob@2: GET@causal k → nothing
ann@2: GET@eventual k → nothing
3 leads in term 2
1 leads no more in term 1
ann@2: GET@causal k → "v"
