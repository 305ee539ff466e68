# Node 3 hands leadership back to 1; its last message to 1 is late. The transfer is given up, 3 leads on. When the message arrives, 1 stands for election with force: nobody refuses it because they hear a leader. So 3 must not count on a lease again.
# Wrong would be: 3 answers "old" when 1 leads and has written "new".
nodes 3 lease=on settle=1s
crash 1 kill
hold timeout-now from 3 to 1
run 2s
2: SET k old
start 1
run 3s
leaders
---
3 leads in term 2
2: SET k old → OK
3 leads in term 2

# The round that answers this read could grant a lease. Then 3 is told nothing more.
3: WITH k linearizable DEADLINE 500 DO GET k
hold all to 3
deliver timeout-now from 3 to 1
run 20ms
leaders
1: SET k new
3: WITH k linearizable DEADLINE 100 DO GET k
---
3: WITH k linearizable DEADLINE 500 DO GET k → "old"
1 leads in term 3
1 leads in term 3; 3 leads in term 2
1: SET k new → OK
3: WITH k linearizable DEADLINE 100 DO GET k → NOQUORUM
