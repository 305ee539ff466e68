# Strong wins over what had not seen it. This one had.
# Wrong would be: "strong".
nodes 3
1: SET k strong
run 200ms
isolate 3
3: SET@causal k weak
heal
run 1s
state k
conflicts k
---
1: SET k strong → OK
3: SET@causal k weak → OK (tentative)
k at 1 2 3: "weak"
at 1 2 3: no conflicts
