# Node 3's clock is 400 ms ahead. A key expires when the log says so, at every replica at the same entry.
# Wrong would be: nothing at 3 while the others have it.
nodes 3
1: SET k v PX 800
run 50ms
clock 3 ahead 400ms
1: SET other w
run 400ms
3: GET@eventual k
state k
run 500ms
1: GET k
run 50ms
state k
equal
---
1: SET k v PX 800 → OK
1: SET other w → OK
3: GET@eventual k → "v"
k at 1 2 3: "v"
1: GET k → nothing
k at 1 2 3: nothing
all replicas are equal
