# Writes follow reads. Bob reads Ann's write and writes on another key; Carol sees Bob's write at a node that has not heard of Ann's.
# Wrong would be: Carol sees the answer, and then no question.
nodes 3
hold held from 1 to 3
hold append
ann@1: SET@causal question why
run 20ms
bob@2: GET@causal question
bob@2: SET@causal answer because
run 20ms
carol@3: GET@causal answer
dave@3: GET@causal question
carol@3: GET@causal question [later]
run 50ms
deliver
run 100ms
---
ann@1: SET@causal question why → OK (tentative)
bob@2: GET@causal question → "why" (tentative)
bob@2: SET@causal answer because → OK (tentative)
carol@3: GET@causal answer → "because" (tentative)
dave@3: GET@causal question → nothing
carol@3 hears GET@causal question → "why" (tentative)
