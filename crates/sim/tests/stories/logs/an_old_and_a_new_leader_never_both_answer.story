# For a moment two nodes believe that they lead, in two terms. Only one of them reaches a majority.
# Wrong would be: "v" or OK from 1 after 2 has answered.
nodes 3
1: SET k v
isolate 1
elect 2
leaders
2: SET k w
1: GET k [later]
1.b: SET k x [later]
run 50ms
leaders
run 2s
leaders
---
1: SET k v → OK
2 leads in term 2
1 leads in term 1; 2 leads in term 2
2: SET k w → OK
1 leads in term 1; 2 leads in term 2
1 leads no more in term 1
1 hears GET k → NOQUORUM
1.b hears SET k x → UNKNOWN
2 leads in term 2
