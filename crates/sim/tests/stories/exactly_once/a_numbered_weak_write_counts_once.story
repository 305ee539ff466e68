# A client that heard nothing may repeat a weak write under its number, too, at any node.
# Wrong would be: 2 or 3.
nodes 3
1: WITH n causal ID "carol:1" DO INCR n
run 200ms
1: WITH n causal ID "carol:1" DO INCR n
2: WITH n causal ID "carol:1" DO INCR n
run 500ms
state n
---
1: WITH n causal ID carol:1 DO INCR n → 1 (tentative)
1: WITH n causal ID carol:1 DO INCR n → 1
2: WITH n causal ID carol:1 DO INCR n → 1
n at 1 2 3: "1"
