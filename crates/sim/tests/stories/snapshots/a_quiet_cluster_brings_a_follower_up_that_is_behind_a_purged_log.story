# Nobody writes any more when the follower returns, and everything that it lacks is gone from the log. Wrong would be: it waits for the next write.
nodes 3 snapshot=20000
crash 3 kill
fill 1 keys=200 bytes=1000
fill 1 keys=200 bytes=1001
run 10s
start 3
run 3s
equal
---
3 has installed a snapshot
all replicas are equal
