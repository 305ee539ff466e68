# Ann writes at node 1, then at node 3, which has not heard of the first. Were the second taken at once, a third node could see it without the first.
# Wrong would be: OK for b before 3 has a.
nodes 3
hold append
hold held to 3
hold held-wanted from 3
ann@1: SET@causal a 1
ann@3: SET@causal b 2 [later]
run 100ms
pending
---
ann@1: SET@causal a 1 → OK (tentative)
1 holds 1 undecided
2 holds 1 undecided

deliver
run 100ms
pending
---
ann@3 hears SET@causal b 2 → OK (tentative)
nothing is undecided
