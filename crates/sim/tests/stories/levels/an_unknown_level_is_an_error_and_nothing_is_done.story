# Names are promises. What is not known is not taken for something else.
# Wrong would be: a silent downgrade, or k is set.
nodes 3
1: SET@strong k v
1: GET@quorum k
1: GET k
---
1: SET@strong k v → LEVEL unknown consistency level 'strong'
1: GET@quorum k → LEVEL unknown consistency level 'quorum'
1: GET k → nothing
