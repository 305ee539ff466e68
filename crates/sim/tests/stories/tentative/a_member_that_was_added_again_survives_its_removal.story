# Add wins: a removal takes what its origin had seen, not what somebody adds meanwhile.
# Wrong would be: "pear" is gone, or "apple" is still there.
nodes 3
1: SADD basket pear apple
run 200ms
isolate 3
3: SREM@causal basket pear apple
1: SADD@causal basket pear
heal
run 1s
state basket
equal
---
1: SADD basket pear apple → 2
3: SREM@causal basket pear apple → 2 (tentative)
1: SADD@causal basket pear → 0 (tentative)
basket at 1 2 3: {"pear"}
all replicas are equal
