# Node 3 is deaf: it hears no heartbeat and asks for an election with every timeout. The others hear their leader, and refuse.
# Wrong would be: a higher term.
nodes 3
cut 1 to 3
cut 2 to 3
run 5s
leaders
1: SET k v
heal
run 1s
leaders
equal
---
1 leads in term 1
1: SET k v → OK
1 leads in term 1
all replicas are equal
