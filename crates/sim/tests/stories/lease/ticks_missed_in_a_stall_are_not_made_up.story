# A follower is stopped for two seconds and wakes up. If it made up for the ticks that it missed, it would stand for election before it reads what the leader had said meanwhile.
nodes 3 lease=on
1: SET k v
pause 2 2s
run 3s
leaders
1: GET k
---
1: SET k v → OK
1 leads in term 1
1: GET k → "v"
