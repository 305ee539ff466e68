# Now the older one is decided first, and the newer one comes late.
# Wrong would be: "older".
nodes 3
isolate 3
1: SET@causal k older
run 10ms
3: SET@causal k newer
run 500ms
state k
heal
run 1s
state k
conflicts k
equal
---
1: SET@causal k older → OK (tentative)
3: SET@causal k newer → OK (tentative)
k at 1 2: "older"
k at 3: nothing, shown as "newer"
k at 1 2 3: "newer"
at 1 2 3: no conflicts
all replicas are equal
