# As an origin of weak writes a node with a new folder is another one.
# Wrong would be: its first INCR is taken for the SET that it had numbered so before.
nodes 3
3: SET@causal k v
run 300ms
crash 3 kill
disk 3 lose
rebuild 3
start 3
run 20s
3: INCR@causal n
3: INCR@causal n
run 500ms
log 1
state n
equal
---
3: SET@causal k v → OK (tentative)
3 is born again
3: INCR@causal n → 1 (tentative)
3: INCR@causal n → 2 (tentative)
term 1: n3:1 SET k v
term 1: node 3 begins anew
term 1: n3 is closed
term 1: n3.2:1 INCRBY n 1
term 1: n3.2:2 INCRBY n 1
n at 1 2 3: "2"
all replicas are equal
