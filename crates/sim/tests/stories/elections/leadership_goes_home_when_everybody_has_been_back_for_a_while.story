# Shard 0 belongs to node 1 as long as it lives. After its return the others hand it back, in good order: the write that comes then is answered.
nodes 3 settle=1s
crash 1 kill
run 2s
leaders
---
3 leads in term 2
3 leads in term 2

start 1
run 4s
leaders
2: SET k v
run 200ms
equal
---
3 leads no more in term 2
1 leads in term 3
1 leads in term 3
2: SET k v → OK
all replicas are equal
