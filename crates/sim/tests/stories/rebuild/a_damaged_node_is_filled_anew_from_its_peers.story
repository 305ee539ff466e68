# A bit of node 2's log flipped. It does not start, its operator empties the folder with `quartet rebuild`, and it is filled from the others: first it says nothing but that it wants to be taken in, then a snapshot names it.
# Wrong would be: it takes part before it has everything, or never.
nodes 3
1: SET k v
1: INCR n
1: INCR n
run 100ms
crash 2 kill
disk 2 flip log
start 2
rebuild 2
start 2
run 20s
log 1
2: GET@eventual k [who]
2: INCR n
run 100ms
equal
---
1: SET k v → OK
1: INCR n → 1
1: INCR n → 2
2 does not start: the log is damaged: log-0-00000000000000000001
2 is born again
term 1: SET k v
term 1: INCRBY n 1
term 1: INCRBY n 1
term 1: node 2 begins anew
term 1: n2 is closed
2: GET@eventual k → "v" (from 2)
2: INCR n → 3
all replicas are equal
