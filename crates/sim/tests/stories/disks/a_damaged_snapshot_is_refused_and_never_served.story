# A bit of a snapshot's file flipped. Its node does not start on it; the others go on.
# Wrong would be: it serves what it finds, or takes the file to end where it cannot be read.
nodes 3 snapshot=20000
fill 1 keys=200 bytes=1000
fill 1 keys=200 bytes=1001
run 2s
crash 2 kill
disk 2 flip snapshot
start 2
1: SET k v
1: STRLEN "filling:7"
---
2 does not start: the snapshot is damaged: snapshot-1-23
1: SET k v → OK
1: STRLEN filling:7 → 1001
