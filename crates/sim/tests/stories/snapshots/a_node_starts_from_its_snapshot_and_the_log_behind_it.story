# The log begins behind the snapshot; both together are the state.
# Wrong would be: something is missing, or n counts twice.
nodes 3 snapshot=20000
fill 1 keys=200 bytes=1000
fill 1 keys=200 bytes=1001
run 1s
1: SET k v
1: INCR n
crash all power
start all
run 2s
1: GET k
1: INCR n
run 200ms
equal
---
1: SET k v → OK
1: INCR n → 1
3 leads in term 2
1: GET k → "v"
1: INCR n → 2
all replicas are equal
