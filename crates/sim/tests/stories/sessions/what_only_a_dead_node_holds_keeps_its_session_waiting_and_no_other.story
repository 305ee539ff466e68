# Ann's write died with node 1's disk, as far as anybody can tell. What depends on it waits: strong writes for want of a decision, causal operations for want of the write. A new session is free.
# Wrong would be: Ann is answered as if she had never written.
nodes 3
isolate 1
ann@1: SET@causal k v
crash 1 power
heal
run 2s
ann@2: SET other w
ann@2: GET@causal k
ann@2: GET@eventual k
bob@2: SET other w
bob@2: GET@causal k
forget-session ann
ann@2: SET other x
---
ann@1: SET@causal k v → OK (tentative)
3 leads in term 2
ann@2: SET other w → NOQUORUM
ann@2: GET@causal k → BEHIND
ann@2: GET@eventual k → nothing
bob@2: SET other w → OK
bob@2: GET@causal k → nothing
ann@2: SET other x → OK

start 1
run 2s
ann@2: GET k
---
ann@2: GET k → "v"
