# The price of a small token: one time stands for all that Ann has seen on every shard. What she saw is younger than the other shard's last word, and its leader cannot be asked any more. At eventual, or in a new session, there is an answer.
# Wrong would be: a value for Ann that may be older than what she saw elsewhere lets her expect.
nodes 3 shards=2
where k x
ann@2: SET k v
run 1s
ann@2: SET x w
isolate 3
ann@3: GET@sequential k
ann@3: GET@causal k
ann@3: GET@eventual k
bob@3: GET@sequential k
---
k is of shard 0, at 1 2 3
x is of shard 1, at 2 3 1
ann@2: SET k v → OK
ann@2: SET x w → OK
ann@3: GET@sequential k → BEHIND
ann@3: GET@causal k → BEHIND
ann@3: GET@eventual k → "v"
bob@3: GET@sequential k → "v"
