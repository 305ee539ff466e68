# Node 3 is cut off and takes a weak write; the majority decides a strong one. Strong wins, and the conflict log says so, on every replica.
# Wrong would be: a lock or a balance is overwritten by somebody who had never seen it.
nodes 3
isolate 3
3: SET@causal lock mine
1: SET lock theirs
3: GET@causal lock
heal
run 1s
state lock
conflicts lock
equal
---
3: SET@causal lock mine → OK (tentative)
1: SET lock theirs → OK
3: GET@causal lock → "mine" (tentative)
lock at 1 2 3: "theirs"
at 1 2 3: n3:1 SET "mine" lost to a strong write that it had not seen
all replicas are equal
