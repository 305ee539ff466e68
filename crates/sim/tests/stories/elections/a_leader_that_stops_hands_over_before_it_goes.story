# A graceful stop gives leadership away first: no write waits for an election timeout, and no client loses an answer.
# Wrong would be: nobody leads for a while, or SET k w is refused.
nodes 3
1: SET k v
stop 1
run 60ms
leaders
2: SET k w
run 1s
leaders
2: GET k
---
1: SET k v → OK
1 leads no more in term 1
2 leads in term 2
2 leads in term 2
2: SET k w → OK
1 has stopped
2 leads in term 2
2: GET k → "w"
