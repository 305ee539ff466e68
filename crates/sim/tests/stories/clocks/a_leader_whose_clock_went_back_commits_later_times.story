# Within a shard log order is time order, whatever the leader's clock says: who has seen the newer value is not shown the older one.
# Wrong would be: "1" for anybody, because the second write got an earlier time.
nodes 3
ann@1: SET k 1
clock 1 back 400ms
bob@1: SET k 2
run 100ms
ann@3: GET@sequential k
bob@3: GET@sequential k
bob@2: GET@causal k
equal
---
ann@1: SET k 1 → OK
bob@1: SET k 2 → OK
ann@3: GET@sequential k → "2"
bob@3: GET@sequential k → "2"
bob@2: GET@causal k → "2"
all replicas are equal
