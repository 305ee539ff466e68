# Omni-Paxos, quorum loss: of five nodes only 2 reaches the others, and it is not the leader. What 1 says to the others, and what they answer, is passed on by 2: nobody is elected, and nothing stands still.
# Wrong would be: the leader steps down though a majority can be reached over one hop.
nodes 5 replicas=5
split 1 from 3 4 5
split 3 from 4 5
split 4 from 5
run 10s
leaders
2: SET k v
5: GET k
run 100ms
equal
---
1 leads in term 1
2: SET k v → OK
5: GET k → "v"
all replicas are equal
