# Node 2 hears nothing of the leader and stands for election. Node 3, whose acknowledgement granted the lease, has been restarted and knows no leader: it still votes for nobody for one election timeout.
# Wrong would be: 2 leads and takes a write, and 1, inside its lease, goes on answering the old value.
nodes 3 lease=on
1: SET k old
lose all from 1 to 2
run 320ms
1: GET k
crash 3 kill
start 3
lose all from 1 to 3
run 30ms
run 200ms
leaders
1: GET k
run 2s
leaders
---
1: SET k old → OK
1: GET k → "old"
1 leads in term 1
1: GET k → "old"
3 leads in term 2
1 leads no more in term 1
3 leads in term 2
