# Node 3 takes two weak writes in one session. The second one's shard decides it; the first one's shard cannot. What an origin tells of its decided writes is a prefix, so nothing is told yet, and what depends on both waits.
# Wrong would be: OK, because the newest of the two is decided.
nodes 3 shards=2
where k x
hold held from 3
hold submit from 3 to 1
3: SET@causal k 1
3: SET@causal x 2
run 500ms
log 2 1
3: SET c 3
deliver
run 500ms
3: SET c 4
---
k is of shard 0, at 1 2 3
x is of shard 1, at 2 3 1
3: SET@causal k 1 → OK (tentative)
3: SET@causal x 2 → OK (tentative)
term 1: n3:2 SET x 2
3: SET c 3 → NOQUORUM
3: SET c 4 → OK
