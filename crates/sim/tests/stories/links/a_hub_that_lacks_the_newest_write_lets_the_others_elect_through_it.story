# Omni-Paxos, constrained election: of five nodes only 2 reaches 3, 4 and 5, nobody reaches the leader of before, and 2 lacks the newest write, so nobody votes for it. Consensus alone elects nobody here: each of the others reaches one voter besides itself. Frames that are relayed through 2 let one of them lead.
# Wrong would be: nobody leads.
nodes 5 replicas=5
lose append to 2
1: SET k v
isolate 1
split 3 from 4 5
split 4 from 5
forget
run 2s
leaders
3: SET k w
2: GET k
heal
run 2s
1: GET k
equal
---
1: SET k v → OK
3 leads in term 2
1 leads no more in term 1
3 leads in term 2
3: SET k w → OK
2: GET k → "w"
1: GET k → "w"
all replicas are equal
