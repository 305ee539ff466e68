# The network may double whatever it likes.
# Wrong would be: more than two entries, or a counter above 2.
nodes 3
repeat append
repeat append-response
1: INCR n
1: INCR n
run 200ms
log 2
state n
---
1: INCR n → 1
1: INCR n → 2
term 1: INCRBY n 1
term 1: INCRBY n 1
n at 1 2 3: "2"
