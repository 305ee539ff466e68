# Fields are arbitrated one by one: different fields are both kept, of one field the newer wins.
# Wrong would be: a field is missing, or the older name.
nodes 3
isolate 3
3: HSET@causal h name old colour red
run 10ms
1: HSET@causal h name new size 7
heal
run 1s
state h
conflicts h
equal
---
3: HSET@causal h name old colour red → 2 (tentative)
1: HSET@causal h name new size 7 → 2 (tentative)
h at 1 2 3: {"name": "new", "colour": "red", "size": "7"}
at 1 2 3: n3:1 HSET "name" "old" lost to the newer n1:1
all replicas are equal
