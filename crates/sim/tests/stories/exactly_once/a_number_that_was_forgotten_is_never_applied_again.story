# The table remembers the newest 64 replies of each client. Of older numbers nobody knows the answer any more; to apply one again would be worse than to say so.
# Wrong would be: 81.
nodes 3
count 1 n carol from=1 to=80
1: GET n
2: WITH n linearizable ID "carol:80" DO INCR n
2: WITH n linearizable ID "carol:17" DO INCR n
2: WITH n linearizable ID "carol:1" DO INCR n
1: GET n
---
1: GET n → "80"
2: WITH n linearizable ID carol:80 DO INCR n → 80
2: WITH n linearizable ID carol:17 DO INCR n → 17
2: WITH n linearizable ID carol:1 DO INCR n → EXPIRED
1: GET n → "80"
