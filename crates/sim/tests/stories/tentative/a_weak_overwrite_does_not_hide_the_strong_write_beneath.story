# The majority decides a strong write, and a weak one over it that had seen it. Node 3 had seen neither: its write is the newest of the weak ones, but the strong one came in between.
# Wrong would be: "mine".
nodes 3
isolate 3
1: SET k strong
1: SET@causal k weak
run 500ms
3: SET@causal k mine
heal
run 1s
state k
conflicts k
---
1: SET k strong → OK
1: SET@causal k weak → OK (tentative)
3: SET@causal k mine → OK (tentative)
k at 1 2 3: "weak"
at 1 2 3: n3:1 SET "mine" lost to a strong write that it had not seen
