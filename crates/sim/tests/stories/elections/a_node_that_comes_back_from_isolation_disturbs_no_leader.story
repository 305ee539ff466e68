# Pre-vote: a node that hears nobody asks whether it would be elected before it begins a term. So it comes back in the term in which it left.
# Wrong would be: the term is higher than before, and the leader was deposed for nothing.
nodes 3
1: SET k v
isolate 3
run 10s
heal
run 2s
leaders
3: GET k
---
1: SET k v → OK
1 leads in term 1
3: GET k → "v"
