nodes 3 shards=2
where a b c d e f g h x y z k l n s
---
a is of shard 1, at 2 3 1
b is of shard 0, at 1 2 3
c is of shard 0, at 1 2 3
d is of shard 1, at 2 3 1
e is of shard 1, at 2 3 1
f is of shard 0, at 1 2 3
g is of shard 0, at 1 2 3
h is of shard 1, at 2 3 1
x is of shard 1, at 2 3 1
y is of shard 1, at 2 3 1
z is of shard 0, at 1 2 3
k is of shard 0, at 1 2 3
l is of shard 1, at 2 3 1
n is of shard 0, at 1 2 3
s is of shard 0, at 1 2 3
