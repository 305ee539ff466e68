# Node 3 has begun a term of its own that nobody joined, and its log lacks the newest write. Node 2 has the write and an older term. With pre-votes alone each would refuse the other for ever.
# Wrong would be: nobody leads. (What a refused pre-vote says of a higher term must be taken over.)
nodes 3
hold append to 3
1: SET k v
lose request-vote from 3
elect 3
forget
crash 1 power
run 3s
leaders
2: GET k
log 3
---
1: SET k v → OK
2 leads in term 3
2 leads in term 3
2: GET k → "v"
term 1: SET k v
