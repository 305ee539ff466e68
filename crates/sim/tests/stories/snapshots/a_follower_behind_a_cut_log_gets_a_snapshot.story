# What it lacks is no longer in anybody's log.
# Wrong would be: it stays behind, or goes on from a gap.
nodes 3 snapshot=20000
1: SET k v
crash 3 kill
fill 1 keys=200 bytes=1000
fill 1 keys=200 bytes=1001
run 1s
start 3
run 5s
equal
3: GET@eventual k [who]
---
1: SET k v → OK
3 has installed a snapshot
all replicas are equal
3: GET@eventual k → "v" (from 3)
