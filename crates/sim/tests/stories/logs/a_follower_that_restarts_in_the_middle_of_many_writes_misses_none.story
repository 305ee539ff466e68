# Wrong would be: replicas that differ.
nodes 3
fill 1 keys=40 bytes=100
crash 2 kill
fill 1 keys=60 bytes=120
start 2
fill 1 keys=80 bytes=140
run 500ms
equal
2: STRLEN@eventual "filling:79" [who]
2: STRLEN@eventual "filling:0" [who]
---
all replicas are equal
2: STRLEN@eventual filling:79 → 140 (from 2)
2: STRLEN@eventual filling:0 → 140 (from 2)
