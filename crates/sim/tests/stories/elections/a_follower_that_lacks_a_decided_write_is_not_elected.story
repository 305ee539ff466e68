# Node 3 has not heard of the write. It stands for election all the same, in a newer term; nobody who has the write votes for it.
# Wrong would be: 3 leads, and the write that its client was told of is gone.
nodes 3
hold append to 3
1: SET k v
log 3
---
1: SET k v → OK
an empty log

elect 3
run 2s
leaders
3: GET k
log 3
---
1 leads no more in term 1
1 leads in term 3
1 leads in term 3
3: GET k → "v"
an empty log
