# Of five nodes first 1, then 2 leads alone with a write that nobody else has. Both come back to a cluster that decided something else at the same places of the log.
# Wrong would be: logs that differ, or either lost write in any of them.
nodes 5 replicas=5
1: SET k v
isolate 1
1: SET k lost-by-1 [later]
elect 2
leaders
isolate 2
2: SET k lost-by-2 [later]
run 10ms
log 1
log 2
---
1: SET k v → OK
2 leads in term 2
1 leads in term 1; 2 leads in term 2
term 1: SET k v
term 1: SET k lost-by-1, undecided
term 1: SET k v
term 2: SET k lost-by-2, undecided

run 2s
3: SET k w
---
3 leads in term 3
1 leads no more in term 1
2 leads no more in term 2
1 hears SET k lost-by-1 → UNKNOWN
2 hears SET k lost-by-2 → UNKNOWN
3: SET k w → OK

heal
run 1s
log 1
log 2
equal
---
term 1: SET k v
term 3: SET k w
term 3: nothing, in a write's place
term 3: nothing, in a write's place
term 1: SET k v
term 3: SET k w
term 3: nothing, in a write's place
term 3: nothing, in a write's place
all replicas are equal
