# Node 3's clock is 300 ms behind, but it has heard of the others' writes: hybrid clocks merge what they hear.
# Wrong would be: "first", because node 3's clock said that its write was older.
nodes 3
clock 3 back 300ms
1: SET@causal k first
run 20ms
3: GET@eventual k
3: SET@causal k second
run 300ms
state k
conflicts k
---
1: SET@causal k first → OK (tentative)
3: GET@eventual k → "first"
3: SET@causal k second → OK (tentative)
k at 1 2 3: "second"
at 1 2 3: no conflicts
