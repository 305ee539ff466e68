# The wall clock goes back ten seconds between two weak writes of one session. The second is newer all the same.
# Wrong would be: "first" in the end.
nodes 3
ann@2: SET@causal k first
clock 2 back 10s
ann@2: SET@causal k second
run 300ms
state k
ann@2: GET k
---
ann@2: SET@causal k first → OK (tentative)
ann@2: SET@causal k second → OK (tentative)
2 refuses messages of 3: its clock is too far ahead
2 refuses messages of 1: its clock is too far ahead
k at 1 2 3: "second"
ann@2: GET k → "second"
