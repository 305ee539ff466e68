# The first of our ancestors: ask the leader, fall back to what is here. The answer says which it was.
# Wrong would be: a rung that is not the first that could be met, or none is named.
nodes 3
1: SET k v
1: WITH k "linearizable;50ms,eventual" DO GET k
run 200ms
isolate 3
3: WITH k "linearizable;50ms,eventual" DO GET k
3: WITH k "linearizable;50ms,causal;20ms,eventual" DO GET k
---
1: SET k v → OK
1: WITH k linearizable;50ms,eventual DO GET k → "v" (linearizable)
3: WITH k linearizable;50ms,eventual DO GET k → "v" (eventual)
3: WITH k linearizable;50ms,causal;20ms,eventual DO GET k → "v" (causal)
