# Nothing but disks is left. Terms go up, nobody leads in a term in which another did.
# Wrong would be: no leader, or an old term.
nodes 3
1: SET k v
crash all power
run 100ms
start all
run 2s
leaders
3: GET k
equal
---
1: SET k v → OK
1 leads in term 2
1 leads in term 2
3: GET k → "v"
all replicas are equal
