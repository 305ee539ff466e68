# A round was proven a moment ago, so for less than an election timeout nobody else can lead: the read needs no message.
# Wrong would be: NOQUORUM, though the lease holds.
nodes 3 lease=on
1: SET k v
1: GET k
lose heartbeat
lose heartbeat-response
1: GET k
lose append
lose append-response
run 100ms
1: GET k
---
1: SET k v → OK
1: GET k → "v"
1: GET k → "v"
1: GET k → "v"
