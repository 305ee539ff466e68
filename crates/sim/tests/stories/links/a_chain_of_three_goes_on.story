# Omni-Paxos, chained: 1 and 3 do not hear each other, 2 hears both.
nodes 3
cut 1 3
run 3s
leaders
2: SET k v
1: GET k
---
1 leads in term 1
2: SET k v → OK
1: GET k → "v"
