# A compare-and-set that did not hold is an answer. Asked again when it would hold, the same number hears the same.
# Wrong would be: OK for the second attempt.
nodes 3
1: SET k v
1: WITH k linearizable ID "carol:1" DO SET k w NX
1: DEL k
2: WITH k linearizable ID "carol:1" DO SET k w NX
1: GET k
---
1: SET k v → OK
1: WITH k linearizable ID carol:1 DO SET k w NX → nothing
1: DEL k → 1
2: WITH k linearizable ID carol:1 DO SET k w NX → nothing
1: GET k → nothing
