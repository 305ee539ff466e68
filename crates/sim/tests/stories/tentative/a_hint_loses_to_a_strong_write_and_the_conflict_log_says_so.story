# A hint has seen nothing, so every strong write is one that it had not seen.
# Wrong would be: "mine".
nodes 5 shards=8
isolate 5
run 1s
5: SET@eventual b mine
1: SET b theirs
heal
run 2s
state b
conflicts b
---
1 leads shard 4 in term 2
5 leads shard 4 no more in term 1
5: SET@eventual b mine → OK (tentative)
1: SET b theirs → OK
b at 2 3 4: "theirs"
at 2 3 4: n5 hint:1 SET "mine" lost to a strong write that it had not seen
