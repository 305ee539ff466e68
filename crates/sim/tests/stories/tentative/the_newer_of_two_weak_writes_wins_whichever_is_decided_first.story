# The older write is decided last: its origin was cut off. Wrong would be: the last one decided wins.
nodes 3
isolate 3
3: SET@causal k older
run 10ms
1: SET@causal k newer
run 500ms
state k
heal
run 1s
state k
conflicts k
equal
---
3: SET@causal k older → OK (tentative)
1: SET@causal k newer → OK (tentative)
k at 1 2: "newer"
k at 3: nothing, shown as "older"
k at 1 2 3: "newer"
at 1 2 3: n3:1 SET "older" lost to the newer n1:1
all replicas are equal
