# A bound on staleness is a promise: ten seconds after the cut node 3 does not know what it has missed.
# Wrong would be: "v" with MAXSTALE.
nodes 3
1: SET k v
run 200ms
3: WITH k eventual MAXSTALE 5000 DO GET k
isolate 3
run 10s
3: WITH k eventual MAXSTALE 5000 DO GET k
3: GET@eventual k
---
1: SET k v → OK
3: WITH k eventual MAXSTALE 5000 DO GET k → "v"
3: WITH k eventual MAXSTALE 5000 DO GET k → BEHIND
3: GET@eventual k → "v"
