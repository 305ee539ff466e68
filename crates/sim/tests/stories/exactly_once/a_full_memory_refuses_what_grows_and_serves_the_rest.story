# The leader refuses before it proposes. Reads and deletions go on, and make room again.
# Wrong would be: UNKNOWN where nothing was proposed, a read that is refused, or a node that stays full.
nodes 3 memory=150000
fill 1 keys=160 bytes=1000
run 100ms
1: SET k v
2: SET k v
1: STRLEN "filling:0"
1: SET@causal k v
1: WITH k linearizable ID "carol:1" DO SET k v
empty 1 keys=80
run 100ms
2: SET k v
---
the memory of 1 is full
the memory of 2 is full
the memory of 3 is full
1: SET k v → OOM
2: SET k v → OOM
1: STRLEN filling:0 → 1000
1: SET@causal k v → OOM
1: WITH k linearizable ID carol:1 DO SET k v → OOM
the memory of 1 has room again
the memory of 2 has room again
the memory of 3 has room again
2: SET k v → OK
