# Of five nodes two are no majority, also if the second one's vote arrives twice.
# Wrong would be: 2 leads with its own vote and that of 3, while 1, 4 and 5 know nothing of it.
nodes 5 replicas=5
lose request-vote from 2 to 1
lose request-vote from 2 to 4
lose request-vote from 2 to 5
repeat request-vote-response from 3 to 2
repeat request-vote-response from 3 to 2
elect 2
run 100ms
leaders
forget
run 2s
leaders
5: SET k v
---
1 leads no more in term 1
nobody leads
3 leads in term 3
3 leads in term 3
5: SET k v → OK
