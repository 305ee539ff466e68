# A weak write first: node 2, whose clock is 400 ms ahead, decides it at a time that node 1 has not heard of. The strong write behind it waits for that decision, and must be later.
# Wrong would be: x is not older than k.
nodes 3 shards=2 replicas=1
where x k
lose announce to 1
lose folded to 1
clock 2 ahead 400ms
3: SET@causal x 1
3: SET k 2 [version]
bob@2: GET x [version]
---
x is of shard 1, at 2
k is of shard 0, at 1
3: SET@causal x 1 → OK (tentative)
3: SET k 2 → OK (version 1)
bob@2: GET x → "1" (version 2, older than version 1)
