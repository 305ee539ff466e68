# Node 5 has no replica: it handed the write over, the write was decided, the answer got lost, the leader died. Node 5 sends it to the next leader under the same number.
# Wrong would be: 2.
nodes 5 replicas=3
lose write-answer from 1 to 5
5: WITH n linearizable DEADLINE 5000 DO INCR n [later]
run 50ms
log 2
crash 1 power
run 3s
5: GET n
log 3
---
term 1: INCRBY n 1
3 leads in term 2
5 hears WITH n linearizable DEADLINE 5000 DO INCR n → 1
5: GET n → "1"
term 1: INCRBY n 1
