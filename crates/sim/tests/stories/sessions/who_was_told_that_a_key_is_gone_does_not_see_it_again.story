# To find nothing is to see something: the deletion. Node 3 has not heard of it.
# Wrong would be: Ann is shown "v" after she was told that there is nothing.
nodes 3
1: SET k v
run 200ms
hold append to 3
1: DEL k
ann@1: GET k
bob@3: GET@sequential k
ann@3: GET@sequential k [later]
run 100ms
deliver
run 50ms
---
1: SET k v → OK
1: DEL k → 1
ann@1: GET k → nothing
bob@3: GET@sequential k → "v"
ann@3 hears GET@sequential k → nothing
