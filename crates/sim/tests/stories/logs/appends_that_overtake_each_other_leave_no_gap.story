# The first append is late, the second arrives before it. A follower takes entries only where they follow what it has.
# Wrong would be: a log with a hole, or entries in another order than the leader's.
nodes 3
hold append from 1 to 2
1: SET a 1
overtake
1: SET b 2
run 10ms
deliver
run 200ms
log 2
equal
---
1: SET a 1 → OK
1: SET b 2 → OK
term 1: SET a 1
term 1: SET b 2
all replicas are equal
