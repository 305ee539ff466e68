# Leases are counted on the monotonic clock.
# Wrong would be: "v" after 300 ms.
nodes 3 lease=on
1: SET k v
1: GET k
isolate 1
clock 1 back 10s
run 300ms
1: WITH k linearizable DEADLINE 50 DO GET k
---
1: SET k v → OK
1: GET k → "v"
1: WITH k linearizable DEADLINE 50 DO GET k → NOQUORUM
