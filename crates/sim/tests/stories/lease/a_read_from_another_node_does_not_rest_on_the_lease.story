# Another node cannot look at the leader's clock before it passes an answer on. So its clients' reads are proven by a round, and fail where there is none.
# Wrong would be: node 2 hears "v" that the leader had read under its lease.
nodes 3 lease=on
1: SET k v
1: GET k
lose heartbeat-response to 1
2: WITH k linearizable DEADLINE 150 DO GET k
1: GET k
---
1: SET k v → OK
1: GET k → "v"
2: WITH k linearizable DEADLINE 150 DO GET k → NOQUORUM
1: GET k → "v"
