# Node 5 has none of the shard's data. It asks who has.
# Wrong would be: an answer from nowhere once it reaches nobody.
nodes 5 replicas=3
where k
5: SET k v
5: GET k
5: GET@sequential k
5: SET@causal k w
5: GET@causal k
run 200ms
5: GET@eventual k
isolate 5
5: GET@eventual k
---
k is of shard 0, at 1 2 3
5: SET k v → OK
5: GET k → "v"
5: GET@sequential k → "v"
5: SET@causal k w → OK (tentative)
5: GET@causal k → "w" (tentative)
5: GET@eventual k → "w"
5: GET@eventual k → BEHIND
