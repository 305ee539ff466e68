# Node 3 missed a deletion and gets a snapshot instead. Its own older weak write was made before; it must lose on 3 as it does everywhere.
# Wrong would be: "old".
nodes 3 snapshot=20000
1: SET k v
run 200ms
isolate 3
3: SET@causal k old
run 10ms
2: SET@causal k new
2: DEL@causal k
run 500ms
fill 1 keys=200 bytes=1000
fill 1 keys=200 bytes=1001
run 1s
heal
run 3s
state k
conflicts k
equal
---
1: SET k v → OK
3: SET@causal k old → OK (tentative)
2: SET@causal k new → OK (tentative)
2: DEL@causal k → 1 (tentative)
3 has installed a snapshot
k at 1 2 3: nothing
at 1 2 3: n3:1 SET "old" lost to the newer n2:2
all replicas are equal
