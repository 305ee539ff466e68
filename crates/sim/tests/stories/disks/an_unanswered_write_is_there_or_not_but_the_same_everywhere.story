# The client never heard of its write. Either outcome is right; two outcomes are not.
# Wrong would be: replicas that differ.
nodes 3
disk all slow 30ms
1: SET k v [later]
run 20ms
crash all power
disk all usual
start all
run 2s
1: GET k
run 100ms
state k
equal
---
1 hears SET k v → the connection is lost
1 leads in term 2
1: GET k → nothing
k at 1 2 3: nothing
all replicas are equal
