# Node 3 lags. Ann has seen her own strong write; Bob has seen nothing, so an older state is true for him.
# Wrong would be: Ann reads nothing at 3.
nodes 3
hold append to 3
ann@1: SET k v
bob@3: GET@sequential k
ann@3: GET@sequential k [later]
run 2s
deliver
run 100ms
ann@3: GET@sequential k
bob@3: GET@sequential k
---
ann@1: SET k v → OK
bob@3: GET@sequential k → nothing
ann@3 hears GET@sequential k → "v"
ann@3: GET@sequential k → "v"
bob@3: GET@sequential k → "v"
