# As in the story of the lease, without one. In the middle of a hand-over reads are checked as writes are: wrong would be a path that answers because the node still believes that it leads.
nodes 3 settle=1s
crash 1 kill
hold timeout-now from 3 to 1
run 2s
2: SET k old
start 1
run 3s
3: WITH k linearizable DEADLINE 500 DO GET k
hold all to 3
deliver timeout-now from 3 to 1
run 20ms
leaders
1: SET k new
3: WITH k linearizable DEADLINE 100 DO GET k
3.b: WITH k linearizable DEADLINE 100 DO SET k x
---
3 leads in term 2
2: SET k old → OK
3: WITH k linearizable DEADLINE 500 DO GET k → "old"
1 leads in term 3
1 leads in term 3; 3 leads in term 2
1: SET k new → OK
3: WITH k linearizable DEADLINE 100 DO GET k → NOQUORUM
3.b: WITH k linearizable DEADLINE 100 DO SET k x → NOQUORUM
