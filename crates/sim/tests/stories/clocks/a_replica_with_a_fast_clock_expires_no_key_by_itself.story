# Node 3's clock is 400 ms ahead, and nobody has been told. It applies an entry when its own clock has passed a key's expiry and the log has not. A key expires when the log says so, at every replica at the same entry.
# Wrong would be: nothing at 3 while the others have it.
nodes 3
1: SET k v PX 800
run 50ms
lose announce from 3
clock 3 ahead 400ms
run 400ms
1: SET other w
run 10ms
state k
run 500ms
1: GET k
run 50ms
state k
equal
---
1: SET k v PX 800 → OK
1: SET other w → OK
k at 1 2 3: "v"
1: GET k → nothing
k at 1 2 3: nothing
all replicas are equal
