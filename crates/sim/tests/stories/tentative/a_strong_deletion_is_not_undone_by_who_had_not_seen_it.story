# A strong DEL is a strong write.
# Wrong would be: "back".
nodes 3
1: SET k v
run 200ms
isolate 3
3: SET@causal k back
1: DEL k
run 1s
heal
run 2s
state k
conflicts k
---
1: SET k v → OK
3: SET@causal k back → OK (tentative)
1: DEL k → 1
k at 1 2 3: nothing
at 1 2 3: n3:1 SET "back" lost to a strong write that it had not seen
