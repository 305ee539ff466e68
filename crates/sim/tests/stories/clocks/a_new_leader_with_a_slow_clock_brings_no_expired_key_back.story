# The key expired under the old leader. The next one's clock is 400 ms behind.
# Wrong would be: the key is there again.
nodes 3
1: SET k v PX 200
run 250ms
1: GET k
clock 2 back 400ms
clock 3 back 400ms
crash 1 power
run 1s
2: GET k
2: SET k w NX
---
1: SET k v PX 200 → OK
1: GET k → nothing
3 leads in term 2
2: GET k → nothing
2: SET k w NX → OK
