# Frames may be doubled on the way. Forwards are numbered within their front's stream.
# Wrong would be: a counter above 2.
nodes 3
repeat forward-write
repeat write-answer
2: INCR n
3: INCR n
run 100ms
1: GET n
---
2: INCR n → 1
3: INCR n → 2
1: GET n → "2"
