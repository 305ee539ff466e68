# Any holder hands it in, and the network doubles what it likes.
# Wrong would be: more entries than operations that count.
nodes 3
repeat submit
repeat held
3: INCR@causal n
run 200ms
3: INCR@causal n
run 500ms
log 1
state n
---
3: INCR@causal n → 1 (tentative)
3: INCR@causal n → 2 (tentative)
term 1: n3:1 INCRBY n 1
term 1: n3:2 INCRBY n 1
n at 1 2 3: "2"
