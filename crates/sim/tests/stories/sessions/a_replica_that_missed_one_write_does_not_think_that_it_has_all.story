# Ann's first write is late on its way to node 3, her second is not. That 3 has the second does not say that it has the first.
# Wrong would be: nothing for a.
nodes 3
hold append
hold held from 1 to 3
ann@1: SET@causal a 1
run 5ms
overtake
hold append
hold held-wanted from 3
ann@1: SET@causal b 2
run 20ms
ann@3: GET@causal a [later]
ann@3: GET@eventual b
run 50ms
deliver
run 50ms
---
ann@1: SET@causal a 1 → OK (tentative)
ann@1: SET@causal b 2 → OK (tentative)
ann@3: GET@eventual b → "2" (tentative)
ann@3 hears GET@causal a → "1" (tentative)
