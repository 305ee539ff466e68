# What is remembered of clients' numbers is state like any other.
# Wrong would be: 2.
nodes 3
1: WITH n linearizable ID "carol:1" DO INCR n
crash all power
start all
run 2s
2: WITH n linearizable ID "carol:1" DO INCR n
2: GET n
---
1: WITH n linearizable ID carol:1 DO INCR n → 1
3 leads in term 2
2: WITH n linearizable ID carol:1 DO INCR n → 1
2: GET n → "1"
