# Node 3's weak write is not decided yet, but node 3 has applied a strong write that it had not seen. Everybody can tell how this will end, so it is shown that way from now on.
# Wrong would be: "mine" at 3, then "theirs" for ever.
nodes 3
hold held from 3
hold submit from 3
lose append from 1 to 3
1: SET k theirs
3: SET@causal k mine
3: GET@causal k
forget append
forget
hold held from 3
hold submit from 3
run 300ms
pending
state k
3: GET@eventual k
deliver
run 500ms
state k
conflicts k
---
1: SET k theirs → OK
3: SET@causal k mine → OK (tentative)
3: GET@causal k → "mine" (tentative)
3 holds 1 undecided
k at 1 2 3: "theirs"
3: GET@eventual k → "theirs"
k at 1 2 3: "theirs"
at 1 2 3: n3:1 SET "mine" lost to a strong write that it had not seen
