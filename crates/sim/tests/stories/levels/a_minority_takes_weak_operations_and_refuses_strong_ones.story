# The table of the contract: cut off from the majority, a replica goes on at causal and eventual, reads at sequential what is decided as far as it knows, and refuses the rest.
# Wrong would be: a strong operation that is answered, or a weak one that is refused.
nodes 3
1: SET k v
run 300ms
isolate 3
run 1s
3: GET k
3: SET k w
3.b: GET@sequential k
3.b: SET@sequential k w
3.c: GET@causal k
3.c: SET@causal k w
3.c: GET@causal k
3.d: GET@eventual k
3.d: SET@eventual k x
heal
run 1s
state k
---
1: SET k v → OK
3: GET k → NOQUORUM
3: SET k w → NOQUORUM
3.b: GET@sequential k → "v"
3.b: SET@sequential k w → NOQUORUM
3.c: GET@causal k → "v"
3.c: SET@causal k w → OK (tentative)
3.c: GET@causal k → "w" (tentative)
3.d: GET@eventual k → "w" (tentative)
3.d: SET@eventual k x → OK (tentative)
k at 1 2 3: "x"
