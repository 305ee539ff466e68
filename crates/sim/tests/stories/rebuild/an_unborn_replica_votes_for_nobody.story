# Nodes 1 and 2 have decided a write, 3 lacks it. Then 1 is down, and 2 has lost its disk. Two nodes are a majority; but 2 knows nothing of what it promised.
# Wrong would be: 3 leads with the vote of 2, and the write is gone though the disk of 1 lives.
nodes 3
hold append to 3
1: SET k v
crash 1 power
crash 2 kill
disk 2 lose
rebuild 2
forget
start 2
run 20s
leaders
3: SET k w
---
1: SET k v → OK
nobody leads
3: SET k w → NOQUORUM

start 1
run 20s
leaders
3: GET k
run 100ms
equal
---
1 leads in term 2
2 is born again
1 leads in term 2
3: GET k → "v"
all replicas are equal
