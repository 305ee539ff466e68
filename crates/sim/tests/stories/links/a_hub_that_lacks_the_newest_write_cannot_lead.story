# Omni-Paxos, constrained election: of five nodes only 2 reaches 3, 4 and 5, nobody reaches the leader of before, and 2 lacks the newest write. It gets no vote, and each of the others reaches one voter besides itself.
# Consensus alone elects nobody here. Frames that are relayed through node 2 would let 3, 4 or 5 lead.
nodes 5 replicas=5
lose append to 2
1: SET k v
isolate 1
split 3 from 4 5
split 4 from 5
forget
run 10s
leaders
3: SET k w
heal
run 2s
3: GET k
---
1: SET k v → OK
1 leads no more in term 1
nobody leads
3: SET k w → NOQUORUM
4 leads in term 2
3: GET k → "v"
