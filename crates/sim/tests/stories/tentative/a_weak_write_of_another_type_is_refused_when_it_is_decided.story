# Node 3 pushes to a list, the majority made the key a string. The push cannot be carried out where it is decided; nothing is half done.
# Wrong would be: a list, or replicas that differ.
nodes 3
isolate 3
3: RPUSH@causal k a
1: SET k v
heal
run 1s
state k
conflicts k
equal
---
3: RPUSH@causal k a → 1 (tentative)
1: SET k v → OK
k at 1 2 3: "v"
at 1 2 3: n3:1 RPUSH "a" lost to what the key held
all replicas are equal
