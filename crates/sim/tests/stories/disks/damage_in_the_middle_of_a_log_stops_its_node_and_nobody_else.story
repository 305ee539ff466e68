# A bit flipped in the middle of a log is not a torn end: what follows was promised. The node does not start on it, and says so; the majority goes on.
# Wrong would be: it cuts its log there and votes, having forgotten what it promised.
nodes 3
1: SET a 1
1: SET b 2
1: SET c 3
run 100ms
crash 2 kill
disk 2 flip log
start 2
1: SET k v
1: GET a
---
1: SET a 1 → OK
1: SET b 2 → OK
1: SET c 3 → OK
2 does not start: the log is damaged: log-0-00000000000000000001
1: SET k v → OK
1: GET a → "1"
