# What is applied and how far stand in the same place. Wrong would be: a counter that counts again what it had counted before the restart.
nodes 3
1: INCR n
1: INCR n
crash all kill
start all
run 2s
1: INCR n
crash all power
start all
run 2s
1: GET n
equal
---
1: INCR n → 1
1: INCR n → 2
3 leads in term 2
1: INCR n → 3
1 leads in term 3
1: GET n → "3"
all replicas are equal
