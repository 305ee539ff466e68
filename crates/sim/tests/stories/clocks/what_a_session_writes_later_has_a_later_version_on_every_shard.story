# Node 2's clock is 400 ms ahead, within what is accepted, and nobody has told node 1. Ann writes at 2 and then at 1: the leader there takes in what her session has seen before it proposes.
# Wrong would be: a second version that is older than the first. In the one order of the cluster Ann's writes would stand the wrong way round.
nodes 3 shards=2 replicas=1
where x k
lose announce to 1
clock 2 ahead 400ms
ann@2: SET x 1 [version]
ann@1: SET k 2 [version]
ann@1: SET k 3 [version]
---
x is of shard 1, at 2
k is of shard 0, at 1
ann@2: SET x 1 → OK (version 1)
ann@1: SET k 2 → OK (version 2)
ann@1: SET k 3 → OK (version 3)
