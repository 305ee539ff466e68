# The client heard UNKNOWN, asks again under its own number at another node, and hears what the first application answered.
# Wrong would be: 2 for carol:1.
nodes 5 replicas=3
lose write-answer to 5
5: WITH n linearizable ID "carol:1" DO INCR n
forget
run 100ms
4: WITH n linearizable ID "carol:1" DO INCR n
4: WITH n linearizable ID "carol:2" DO INCR n
1: WITH n linearizable ID "carol:1" DO INCR n
1: GET n
---
5: WITH n linearizable ID carol:1 DO INCR n → UNKNOWN
4: WITH n linearizable ID carol:1 DO INCR n → 1
4: WITH n linearizable ID carol:2 DO INCR n → 2
1: WITH n linearizable ID carol:1 DO INCR n → 1
1: GET n → "2"
