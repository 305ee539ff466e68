# The leader's monotonic clock runs five percent slow, as much as the margin allows. Its lease still ends before anybody else leads.
# Wrong would be: an answer at a moment when another leads, or could.
nodes 3 lease=on
crash 1 kill
clock 1 slow 50
start 1
run 2s
elect 1
1: SET k v
1: GET k
isolate 1
run 265ms
1: WITH k linearizable DEADLINE 5 DO GET k
run 20ms
leaders
1: WITH k linearizable DEADLINE 5 DO GET k
run 1s
leaders
---
1 leads in term 2
1: SET k v → OK
1: GET k → "v"
1: WITH k linearizable DEADLINE 5 DO GET k → "v"
1 leads in term 2
1: WITH k linearizable DEADLINE 5 DO GET k → NOQUORUM
3 leads in term 3
1 leads no more in term 2
3 leads in term 3
