# Shard 0 belongs to node 1 as long as it lives, then to 2. After its return leadership is handed back, in good order: the write that comes then is answered.
# Wrong would be: node 1 leads nothing for ever, or a write is lost on the way.
nodes 3 settle=1s
crash 1 kill
run 2s
leaders
---
3 leads in term 2
3 leads no more in term 2
2 leads in term 3
2 leads in term 3

start 1
run 4s
leaders
2: SET k v
run 200ms
equal
---
2 leads no more in term 3
1 leads in term 4
1 leads in term 4
2: SET k v → OK
all replicas are equal
