# Leases are off: leadership is proven by a round for each batch of reads.
# Wrong would be: "v", with nobody to ask.
nodes 3
1: SET k v
1: GET k
isolate 1
1: WITH k linearizable DEADLINE 200 DO GET k
---
1: SET k v → OK
1: GET k → "v"
1: WITH k linearizable DEADLINE 200 DO GET k → NOQUORUM
