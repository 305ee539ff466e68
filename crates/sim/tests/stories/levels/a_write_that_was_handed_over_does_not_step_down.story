# The leader took the write into its log and then lost everybody. To take it again at a lower level could do it twice: the answer is unknown.
# Node 2, which reaches no leader, handed nothing over: there the write steps down.
# Wrong would be: 2, or OK at causal for the first one.
nodes 3
isolate 1
1: WITH n "linearizable;50ms,causal" DO INCR n
run 2s
heal
run 1s
isolate 2
run 1s
2: WITH n "linearizable;50ms,causal" DO INCR n
heal
run 2s
state n
---
1: WITH n linearizable;50ms,causal DO INCR n → UNKNOWN
3 leads in term 2
1 leads no more in term 1
2: WITH n linearizable;50ms,causal DO INCR n → 1 (tentative, causal)
n at 1 2 3: "1"
