# The leader has the read and cannot prove that it leads. The read's front asks the next one, and its client waits, within its deadline.
# Wrong would be: no answer.
nodes 3
1: SET k v
hold heartbeat from 1
hold heartbeat-response to 1
2: GET k [later]
run 20ms
isolate 1
run 2s
leaders
---
1: SET k v → OK
3 leads in term 2
1 leads no more in term 1
2 hears GET k → "v"
3 leads in term 2
