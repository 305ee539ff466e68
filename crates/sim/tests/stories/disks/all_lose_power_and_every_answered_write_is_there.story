# An answer means that a majority has synced it.
# Wrong would be: anything less than what was answered.
nodes 3
1: SET a 1
2: INCR n
3: RPUSH l x y
crash all power
start all
run 2s
1: GET a
1: GET n
1: LRANGE l 0 "-1"
equal
---
1: SET a 1 → OK
2: INCR n → 1
3: RPUSH l x y → 2
1 leads in term 2
1: GET a → "1"
1: GET n → "1"
1: LRANGE l 0 -1 → ["x", "y"]
all replicas are equal
