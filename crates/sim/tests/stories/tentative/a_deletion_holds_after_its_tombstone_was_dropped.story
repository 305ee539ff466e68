# Node 5 has no replica of the key's shard, so nobody keeps a tombstone for what it may still hold. Its hint comes when the tombstone is long gone.
# Wrong would be: the deleted key is back.
nodes 5 shards=8
where b
1: SET b v
isolate 5
run 1s
5: SET@eventual b back
1: DEL b
run 5s
heal
run 2s
state b
conflicts b
---
b is of shard 1, at 2 3 4
1: SET b v → OK
1 leads shard 4 in term 2
5 leads shard 4 no more in term 1
5: SET@eventual b back → OK (tentative)
1: DEL b → 1
b at 2 3 4: nothing
at 2 3 4: n5 hint:1 SET "back" lost to what may be forgotten: it had seen less
