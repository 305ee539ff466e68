# The forward got lost for good and its deadline passed. The next write of the same node is not kept waiting for it.
# Wrong would be: b is refused, or a appears later.
nodes 3
lose forward-write from 2 to 1
2: SET a 1
forget
2: SET b 2
2: GET a
2: GET b
---
2: SET a 1 → UNKNOWN
2: SET b 2 → OK
2: GET a → nothing
2: GET b → "2"
