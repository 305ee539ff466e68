# ACKS 2: node 2 has it, too, and can hand it in to nobody. Meanwhile the origin loses its disk and is taken in anew. Its old folder is closed only when nobody holds anything of it.
# Wrong would be: it is closed at once, and a write that two nodes had is refused when it comes.
nodes 3
hold held to 1
hold submit
3: WITH k causal ACKS 2 DO SET k v
crash 3 power
disk 3 lose
rebuild 3
start 3
run 20s
log 1
2: GET@causal k
---
3: WITH k causal ACKS 2 DO SET k v → OK (tentative)
3 is born again
term 1: node 3 begins anew
2: GET@causal k → "v" (tentative)

deliver
run 20s
log 1
state k
pending
---
term 1: node 3 begins anew
term 1: n3:1 SET k v
term 1: n3 is closed
k at 1 2 3: "v"
nothing is undecided
