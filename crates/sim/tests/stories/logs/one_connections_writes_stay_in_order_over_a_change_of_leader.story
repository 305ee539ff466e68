# Three pushes go out over one connection without waiting, and the leader changes under them. They are numbered, and name the one before: a new leader takes them in that order or asks again.
# Wrong would be: b before a, or one of them twice.
nodes 3
hold forward-write from 3 to 1
3: RPUSH l a [later]
3: RPUSH l b [later]
run 5ms
elect 2
3: RPUSH l c [later]
run 1s
deliver
run 1s
3: LRANGE l 0 "-1"
equal
---
1 leads no more in term 1
2 leads in term 2
3 hears RPUSH l a → 1
3 hears RPUSH l b → 2
3 hears RPUSH l c → 3
3: LRANGE l 0 -1 → ["a", "b", "c"]
all replicas are equal
