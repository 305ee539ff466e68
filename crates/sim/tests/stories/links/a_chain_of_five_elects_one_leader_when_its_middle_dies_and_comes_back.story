# 1-2-3-4-5. Node 3 dies: neither side has a majority, so neither side leads. It comes back, and one leads for all.
# Wrong would be: two leaders, or none after the return.
nodes 5 replicas=5
split 1 from 3 4 5
split 2 from 4 5
split 3 from 5
run 2s
leaders
5: SET k v
crash 3 power
run 3s
leaders
1: SET k w
5: SET k w
---
1 leads in term 1
5: SET k v → OK
1 leads no more in term 1
nobody leads
1: SET k w → NOQUORUM
5: SET k w → NOQUORUM

start 3
run 3s
leaders
1: SET k x
5: GET k
---
1 leads in term 2
1 leads in term 2
1: SET k x → OK
5: GET k → "x"
