# Two seconds ahead is more than peers accept: they refuse the whole message, so that no timestamp of the future gets into anything. When the others' time has come that far, the write is heard of.
# Wrong would be: "w" at 1 or 2 while its time is in the future, or for ever only at 3.
nodes 3
1: SET k v
run 200ms
clock 3 ahead 2s
3: SET@causal k w
run 1s
state k
---
1: SET k v → OK
3: SET@causal k w → OK (tentative)
1 refuses messages of 3: its clock is too far ahead
2 refuses messages of 3: its clock is too far ahead
k at 1 2: "v"
k at 3: "v", shown as "w"

clock 3 back 2s
run 3s
state k
---
1 refuses messages of 3: its clock is too far ahead
2 refuses messages of 3: its clock is too far ahead
k at 1 2 3: "w"
