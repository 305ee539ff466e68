# Nodes 2 and 3 stand in the same term. Node 1 votes for 2, loses its power before 2 hears of it, and then 3's request reaches it.
# Wrong would be: 1 has forgotten its vote and gives 3 another one. Then 2 and 3 both lead in one term, and the logs part.
nodes 3
hold request-vote
hold request-vote-response
elect 2
elect 3
held
---
1 leads no more in term 1
2 to 1: request-vote
2 to 3: request-vote
3 to 1: request-vote
3 to 2: request-vote

deliver request-vote from 2 to 1
held
crash 1 power
start 1
run 50ms
---
1 to 2: request-vote-response
2 to 3: request-vote
3 to 1: request-vote
3 to 2: request-vote

deliver request-vote from 3 to 1
run 20ms
held
deliver request-vote-response
run 1ms
leaders
deliver
run 1s
leaders
---
1 to 2: request-vote-response
1 to 3: request-vote-response
2 to 3: request-vote
3 to 2: request-vote
2 leads in term 2
2 leads in term 2
2 leads in term 2
