# As with a strong one, though nothing strong was ever written.
# Wrong would be: "back".
nodes 5 shards=8
1: SET@causal b v
run 1s
isolate 5
run 1s
5: SET@eventual b back
run 10ms
1: DEL@causal b
run 5s
heal
run 2s
state b
conflicts b
---
1: SET@causal b v → OK (tentative)
1 leads shard 4 in term 2
5 leads shard 4 no more in term 1
5: SET@eventual b back → OK (tentative)
1: DEL@causal b → 1 (tentative)
b at 2 3 4: nothing
at 2 3 4: n5 hint:1 SET "back" lost to what may be forgotten: it had seen less
