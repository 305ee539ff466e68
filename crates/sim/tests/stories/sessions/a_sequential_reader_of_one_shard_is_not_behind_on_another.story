# One order for the whole cluster. Ann writes x on shard 1, then k on shard 0. Bob reads k at node 3, which knows nothing of x yet; he may not read an older x after it.
# Wrong would be: "2", then nothing.
nodes 3 shards=2
where x k
hold append from 2 to 3
ann@1: SET x 1
ann@1: SET k 2
run 100ms
carol@3: GET@sequential x
bob@3: GET@sequential k
bob@3: GET@sequential x [later]
run 100ms
deliver
run 200ms
---
x is of shard 1, at 2 3 1
k is of shard 0, at 1 2 3
ann@1: SET x 1 → OK
ann@1: SET k 2 → OK
carol@3: GET@sequential x → nothing
bob@3: GET@sequential k → "2"
bob@3 hears GET@sequential x → "1"
