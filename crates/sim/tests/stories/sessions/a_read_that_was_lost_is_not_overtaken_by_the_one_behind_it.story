# Two reads are under way on one connection. The first is lost on its way to the leader and sent again later; the second is answered meanwhile, from before the write. Its answer waits, and is too old when its turn comes.
# Wrong would be: the first hears "new" and the second "old".
nodes 3
1: SET k old
hold "forward-read: everything" from 2 to 1
2: GET k [later]
run 5ms
forget "forward-read: everything" from 2 to 1
2: GET k [later]
run 50ms
1: SET k new
run 1s
---
1: SET k old → OK
1: SET k new → OK
2 hears GET k → "new"
2 hears GET k → "new"
