# That the lease still held after the leader had read proves the value, however long the answer travels. So the clients of other nodes need no round either.
# Wrong would be: node 2 hears NOQUORUM, though the lease holds.
nodes 3 lease=on
1: SET k v
1: GET k
lose heartbeat-response to 1
2: WITH k linearizable DEADLINE 150 DO GET k
1: GET k
---
1: SET k v → OK
1: GET k → "v"
2: WITH k linearizable DEADLINE 150 DO GET k → "v"
1: GET k → "v"
