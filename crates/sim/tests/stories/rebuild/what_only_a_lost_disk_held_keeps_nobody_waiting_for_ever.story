# Ann's write was on node 3's disk alone, and that is gone. Whoever depends on it waits: nobody can know that it will never come. When the node is taken in anew, the log closes its old folder as an origin: then everybody knows.
# Wrong would be: Ann waits for ever, or is let go before that.
nodes 3
isolate 3
ann@3: SET@causal k v
crash 3 power
disk 3 lose
heal
run 1s
ann@1: SET other w
---
ann@3: SET@causal k v → OK (tentative)
ann@1: SET other w → NOQUORUM

rebuild 3
start 3
run 20s
log 1
ann@1: SET other w
ann@1: GET k
run 100ms
equal
---
3 is born again
term 1: node 3 begins anew
term 1: n3 is closed
ann@1: SET other w → OK
ann@1: GET k → nothing
all replicas are equal
