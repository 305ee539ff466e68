# ACKS 2: the answer waits until another replica has the write on its disk, too. Then the origin dies with everything.
# Wrong would be: OK while the other disks are busy, or nothing in the end.
nodes 3
disk 1 slow 200ms
disk 2 slow 200ms
3: WITH k causal ACKS 2 DO SET k v [later]
run 100ms
run 300ms
lose all from 3
crash 3 power
disk 3 lose
run 20s
state k
---
3 hears WITH k causal ACKS 2 DO SET k v → OK (tentative)
k at 1 2: "v"
