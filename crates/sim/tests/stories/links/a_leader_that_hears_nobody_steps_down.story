# Node 1 sends and hears nothing. Its followers hear it, so they would follow it for ever; it must notice by itself.
# Wrong would be: 1 leads on, and nobody can write.
nodes 3
cut 2 to 1
cut 3 to 1
run 3s
leaders
2: SET k v
heal
run 1s
equal
---
1 leads no more in term 1
2 leads in term 2
2 leads in term 2
2: SET k v → OK
all replicas are equal
