# Omni-Paxos, chained: 1 and 3 do not hear each other, 2 hears both and passes on.
# Wrong would be: 3 asks for one election after another, or is left behind.
nodes 3
cut 1 3
run 3s
leaders
3: SET k v
1: GET k
run 100ms
3: GET@eventual k
equal
---
1 leads in term 1
3: SET k v → OK
1: GET k → "v"
3: GET@eventual k → "v"
all replicas are equal
