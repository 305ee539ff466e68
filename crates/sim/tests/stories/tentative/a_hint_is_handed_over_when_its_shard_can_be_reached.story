# Node 5 has no replica of the key's shard and reaches nobody. An eventual write is held as a hint, on its disk, also over a restart.
# Wrong would be: the hint is lost at the restart, or counts twice. (At causal there are no hints: nobody could say what it stands behind.)
nodes 5 shards=8
where b
isolate 5
run 1s
5: SET@causal b v
5: SET@eventual b v
pending
crash 5 power
start 5
run 500ms
pending
heal
run 2s
pending
state b
---
b is of shard 1, at 2 3 4
1 leads shard 4 in term 2
5 leads shard 4 no more in term 1
5: SET@causal b v → NOQUORUM
5: SET@eventual b v → OK (tentative)
5 holds hints: 1
5 holds hints: 1
nothing is undecided
b at 2 3 4: "v"
