# A write was decided just before the leader fell silent; the next one has it in its log and does not know yet that it is decided. Two reads wait for whoever leads.
# Wrong would be: "old".
nodes 3
1: SET k old
run 100ms
hold append from 1 to 3
1: SET k new
lose all from 1
2: GET k [later]
3: GET k [later]
elect 2
run 2s
leaders
---
1: SET k old → OK
1: SET k new → OK
1 leads no more in term 1
2 leads in term 2
2 hears GET k → "new"
3 hears GET k → "new"
2 leads in term 2
