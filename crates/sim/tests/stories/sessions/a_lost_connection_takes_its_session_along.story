# One connection is one session, unless its token is carried. Node 2 dies; who connects elsewhere without the token begins anew and may see less; who carries it may not.
# Wrong would be: Ann is told that there is nothing.
nodes 3
hold held from 2
hold append to 3
2: SET@causal k v
ann@2: SET@causal l w
crash 2 kill
3: GET@causal k
ann@3: GET@causal l
---
2: SET@causal k v → OK (tentative)
ann@2: SET@causal l w → OK (tentative)
3: GET@causal k → nothing
ann@3: GET@causal l → BEHIND
