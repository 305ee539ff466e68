# As in the story of the lease, without one. In the middle of a hand-over reads are checked as writes are: wrong would be a path that answers because the node still believes that it leads.
# Wrong would be: "old" for the last read of node 2.
nodes 3 settle=1s
crash 1 kill
run 3s
hold timeout-now from 2 to 1
2: SET k old
start 1
run 1600ms
2: WITH k linearizable DEADLINE 500 DO GET k
hold all to 2
deliver timeout-now from 2 to 1
run 20ms
leaders
1: SET k new
2: WITH k linearizable DEADLINE 100 DO GET k
2.b: WITH k linearizable DEADLINE 100 DO SET k x
---
3 leads in term 2
3 leads no more in term 2
2 leads in term 3
2: SET k old → OK
2: WITH k linearizable DEADLINE 500 DO GET k → "old"
1 leads in term 4
1 leads in term 4; 2 leads in term 3
1: SET k new → OK
2: WITH k linearizable DEADLINE 100 DO GET k → NOQUORUM
2.b: WITH k linearizable DEADLINE 100 DO SET k x → NOQUORUM
