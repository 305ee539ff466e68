# Ann wrote on shard 1 a moment ago. Shard 0 has been idle; before it may answer her, it must know that nothing older will come: its leader adds an empty entry.
# Wrong would be: BEHIND, because nothing is ever written there.
nodes 3 shards=2
where k x
ann@1: SET k before
run 1s
ann@1: SET x after
ann@3: GET@sequential k
ann@2: GET@sequential k
---
k is of shard 0, at 1 2 3
x is of shard 1, at 2 3 1
ann@1: SET k before → OK
ann@1: SET x after → OK
ann@3: GET@sequential k → "before"
ann@2: GET@sequential k → "before"
