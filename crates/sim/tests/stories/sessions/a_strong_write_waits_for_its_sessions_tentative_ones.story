# A weak write of shard 0 cannot be decided: its shard's leader does not hear of it. The connection's strong write of shard 1 stands after it, so it waits, and is refused at its deadline.
# Wrong would be: OK for x while k is undecided. Then a sequential reader could see x without k.
nodes 3 shards=2
where k x
hold held
hold submit
3: SET@causal k 1
3: SET x 2
bob@2: GET x
deliver
run 200ms
3: SET x 2
carol@2: GET@sequential x
carol@2: GET@sequential k
---
k is of shard 0, at 1 2 3
x is of shard 1, at 2 3 1
3: SET@causal k 1 → OK (tentative)
3: SET x 2 → NOQUORUM
bob@2: GET x → nothing
3: SET x 2 → OK
carol@2: GET@sequential x → "2"
carol@2: GET@sequential k → "1"
