# The state of an answer: a strong write is decided, a weak one is tentative until the log has it, and a read says what it shows.
# Wrong would be: an answer that is called decided and is not.
nodes 3
1: SET@causal k v
1: GET@causal k
run 100ms
1: GET@causal k
1: GET k
---
1: SET@causal k v → OK (tentative)
1: GET@causal k → "v" (tentative)
1: GET@causal k → "v"
1: GET k → "v"
