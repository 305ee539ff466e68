nodes 3
1: SET k v
1: GET k
isolate 1
1: WITH k linearizable DEADLINE 200 DO GET k
---
1: SET k v → OK
1: GET k → "v"
1: WITH k linearizable DEADLINE 200 DO GET k → NOQUORUM
