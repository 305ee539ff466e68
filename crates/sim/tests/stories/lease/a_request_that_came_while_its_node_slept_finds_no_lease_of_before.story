# The process looks at the clock, and is stopped before it reads what clients have sent. When it goes on, it takes a request of now for one of then, when its lease still held; and it is cut off, so nobody tells it that others have led
# and written. So it looks at the clock once more before it answers.
# Wrong would be: 1 hears "old", which was overwritten before it asked.
nodes 3 lease=on
1: SET k old
1: GET k
isolate 1
pause 1 2s after looking
run 1s
2: SET k new
1: WITH k linearizable DEADLINE 3000 DO GET k [later]
run 4s
---
1: SET k old → OK
1: GET k → "old"
3 leads in term 2
2: SET k new → OK
1 leads no more in term 1
1 hears WITH k linearizable DEADLINE 3000 DO GET k → NOQUORUM
