# Ann tells Bob out of band, and gives him her token. From then on he waits where she would.
# Wrong would be: Bob hears nothing once more.
nodes 3
hold held from 1 to 2
hold append to 2
ann@1: SET@causal k v
bob@2: GET@causal k
join bob ann
bob@2: GET@causal k [later]
run 100ms
deliver
run 50ms
---
ann@1: SET@causal k v → OK (tentative)
bob@2: GET@causal k → nothing
bob@2 hears GET@causal k → "v"
