# The process is stopped when it has read the value and not yet said it. When it goes on, others have led and written. So it looks at the clock once more before it answers.
# Wrong would be: 1 hears "old".
nodes 3 lease=on
1: SET k old
1: GET k
pause 1 2s before answering
1: WITH k linearizable DEADLINE 5000 DO GET k [later]
run 1s
leaders
2: SET k new
run 2s
---
1: SET k old → OK
1: GET k → "old"
3 leads in term 2
1 leads in term 1; 3 leads in term 2
2: SET k new → OK
1 leads no more in term 1
1 hears WITH k linearizable DEADLINE 5000 DO GET k → "new"
