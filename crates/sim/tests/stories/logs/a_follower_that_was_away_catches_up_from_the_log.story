# Three entries were written while it was away; the leader still has them.
# Wrong would be: an entry is missing or stands twice.
nodes 3
crash 3 kill
1: SET a 1
1: SET b 2
1: DEL a
start 3
run 500ms
log 3
equal
---
1: SET a 1 → OK
1: SET b 2 → OK
1: DEL a → 1
term 1: SET a 1
term 1: SET b 2
term 1: DEL a
all replicas are equal
