# Said aloud in the contract: an effect is never superseded. Who deletes a counter and means it writes at a stronger level and closes the door first.
# Wrong would be: anything else than the contract says: 2, or nothing.
nodes 3
1: INCR n
run 200ms
isolate 3
3: INCR@causal n
1: DEL n
heal
run 1s
state n
conflicts n
---
1: INCR n → 1
3: INCR@causal n → 2 (tentative)
1: DEL n → 1
n at 1 2 3: "1"
at 1 2 3: no conflicts
