# Omni-Paxos, quorum loss: of five nodes only 2 reaches the others, and it is not the leader.
nodes 5 replicas=5
split 1 from 3 4 5
split 3 from 4 5
split 4 from 5
run 10s
leaders
2: SET k v
---
1 leads no more in term 1
2 leads in term 2
2 leads in term 2
2: SET k v → OK
