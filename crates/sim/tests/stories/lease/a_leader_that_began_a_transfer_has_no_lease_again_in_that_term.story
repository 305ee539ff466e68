# Node 2 leads and hands leadership back to 1; its message to 1 is late. Then 2 hears nothing of 1 any more, gives the transfer up and leads on. When the message arrives after all, 1 stands for election with force: 3 does not refuse it although it hears its leader. So 2 must not count on a lease again in this term.
# Wrong would be: 2 answers "old" when 1 leads and has written "new".
nodes 3 lease=on settle=1s
crash 1 kill
run 3s
hold timeout-now from 2 to 1
2: SET k old
start 1
run 1600ms
held
lose all from 1 to 2
run 1300ms
leaders
---
3 leads in term 2
3 leads no more in term 2
2 leads in term 3
2: SET k old → OK
2 to 1: timeout-now
2 leads in term 3

# The round that proves this read would grant a lease in any other term. Then 2 is told nothing more.
2: WITH k linearizable DEADLINE 500 DO GET k
hold all from 3 to 2
deliver timeout-now from 2 to 1
run 20ms
leaders
1: SET k new
2: WITH k linearizable DEADLINE 100 DO GET k
---
2: WITH k linearizable DEADLINE 500 DO GET k → "old"
1 leads in term 4
1 leads in term 4; 2 leads in term 3
1: SET k new → OK
2: WITH k linearizable DEADLINE 100 DO GET k → NOQUORUM
