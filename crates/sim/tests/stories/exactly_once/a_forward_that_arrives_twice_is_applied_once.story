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
