# A replica shows the winner of what it holds, by the same rules by which the log will decide: the newer write, also where the older one came last.
# Wrong would be: the loser is seen in between.
nodes 3
hold append from 1
hold held from 3 to 2
3: SET@causal k older
run 10ms
2: SET@causal k newer
run 50ms
state k
---
3: SET@causal k older → OK (tentative)
2: SET@causal k newer → OK (tentative)
k at 1 2 3: nothing, shown as "newer"

deliver held from 3 to 2
state k
---
k at 1 2 3: nothing, shown as "newer"

deliver
run 500ms
state k
---
k at 1 2 3: "newer"
