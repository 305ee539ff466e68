# The leader's disk is slow. Its followers have the write on theirs, so it is decided; the leader applies it only when its own disk is done. Ann is shown it at node 2, and then asks the leader.
# Wrong would be: "new", then "old".
nodes 3
1: SET k old
run 100ms
disk 1 slow 500ms
1: SET k new [later]
run 50ms
ann@2: GET@sequential k
ann@1: GET k [later]
1.b: GET k [later]
run 200ms
---
1: SET k old → OK
ann@2: GET@sequential k → "new"

run 500ms
---
1 hears SET k new → OK
ann@1 hears GET k → "new"
1.b hears GET k → "new"
