# The write is held up on its way to the leader, the read behind it is not. On one connection the read stands after the write.
# Wrong would be: nothing.
nodes 3
hold forward-write from 3 to 1
3: SET k v [later]
3: GET k [later]
run 100ms
deliver
run 50ms
---
3 hears SET k v → OK
3 hears GET k → "v"
