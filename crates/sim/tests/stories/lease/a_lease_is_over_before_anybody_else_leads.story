# The leader is cut off with a fresh lease. It answers until the lease ends, then it does not, and only later does somebody else lead.
# Wrong would be: an answer from 1 at a moment when another leads.
nodes 3 lease=on
1: SET k v
1: GET k
isolate 1
run 200ms
1: GET k
run 100ms
leaders
1: WITH k linearizable DEADLINE 50 DO GET k
run 1s
leaders
2: SET k w
---
1: SET k v → OK
1: GET k → "v"
1: GET k → "v"
1 leads in term 1
1: WITH k linearizable DEADLINE 50 DO GET k → NOQUORUM
3 leads in term 2
1 leads no more in term 1
3 leads in term 2
2: SET k w → OK
