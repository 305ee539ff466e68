# Commands whose answer is a decision mean nothing without one.
# Wrong would be: any answer but LEVEL, or k is set.
nodes 3
1: SET@causal k v NX
1: SET@eventual k v XX
1: SPOP@causal s
1: LPOP@eventual l
1: SET@causal k v GET
all: GET@eventual k
---
1: SET@causal k v NX → LEVEL
1: SET@eventual k v XX → LEVEL
1: SPOP@causal s → LEVEL
1: LPOP@eventual l → LEVEL
1: SET@causal k v GET → LEVEL
all: 1: GET@eventual k → nothing
all: 2: GET@eventual k → nothing
all: 3: GET@eventual k → nothing
