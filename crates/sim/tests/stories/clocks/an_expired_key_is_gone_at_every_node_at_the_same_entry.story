# Expiry is judged by the log's times. On an idle shard a read lets the log catch up first.
# Wrong would be: nodes that differ, or a key that is read after its time because nothing was written.
nodes 3
1: SET k v PX 500
run 200ms
all: GET k
run 400ms
all: GET k
run 100ms
state k
equal
---
1: SET k v PX 500 → OK
all: 1: GET k → "v"
all: 2: GET k → "v"
all: 3: GET k → "v"
all: 1: GET k → nothing
all: 2: GET k → nothing
all: 3: GET k → nothing
k at 1 2 3: nothing
all replicas are equal
