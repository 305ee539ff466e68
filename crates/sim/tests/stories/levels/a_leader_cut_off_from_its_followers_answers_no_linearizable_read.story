# It still believes that it leads. A read must be proven by a majority.
# Wrong would be: "old" after the others have decided "new".
nodes 3
1: SET k old
isolate 1
1: WITH k linearizable DEADLINE 200 DO GET k
run 1s
2: SET k new
1: GET k
1: GET@eventual k
---
1: SET k old → OK
1: WITH k linearizable DEADLINE 200 DO GET k → NOQUORUM
3 leads in term 2
1 leads no more in term 1
2: SET k new → OK
1: GET k → NOQUORUM
1: GET@eventual k → "old"
