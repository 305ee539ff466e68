# Node 1 does not reach 2, which reaches 1. What 1 says to 2 goes by 3.
# Wrong would be: 2 loses its leader, or lags for ever.
nodes 3
cut 1 to 2
run 3s
leaders
2: SET k v
2: GET k
run 100ms
equal
heal
run 1s
leaders
---
1 leads in term 1
2: SET k v → OK
2: GET k → "v"
all replicas are equal
1 leads in term 1
