# The first submission is late and a later one overtakes it. Each operation names the one before it: the log takes none before its turn, and none twice.
# Wrong would be: "second" before "first", or either of them twice.
nodes 3
hold held
hold submit from 3 to 1
3: RPUSH@causal l first
run 20ms
overtake
3: RPUSH@causal l second
run 500ms
deliver
run 500ms
log 1
state l
equal
---
3: RPUSH@causal l first → 1 (tentative)
3: RPUSH@causal l second → 2 (tentative)
term 1: n3:1 PUSH l first
term 1: n3:2 PUSH l second
l at 1 2 3: ["first", "second"]
all replicas are equal
