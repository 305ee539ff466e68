# The deletion is newer, though it is decided first: its tombstone remembers.
# Wrong would be: "older".
nodes 3
1: SET k v
run 200ms
isolate 3
3: SET@causal k older
run 10ms
1: DEL@causal k
run 200ms
heal
run 1s
state k
conflicts k
equal
---
1: SET k v → OK
3: SET@causal k older → OK (tentative)
1: DEL@causal k → 1 (tentative)
k at 1 2 3: nothing
at 1 2 3: n3:1 SET "older" lost to the newer n1:1
all replicas are equal
