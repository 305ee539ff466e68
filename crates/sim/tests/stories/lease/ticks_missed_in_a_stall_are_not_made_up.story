# The whole machine room stands still for a second and goes on. Nobody has heard anybody meanwhile, and nobody could have: that says nothing of who lives.
# Wrong would be: everybody makes up for forty ticks at once, the leader steps down and the followers stand for election.
nodes 3 lease=on
1: SET k v
pause all 1s
1: GET k [later]
2: SET k w [later]
run 2s
leaders
---
1: SET k v → OK
1 hears GET k → "v"
2 hears SET k w → OK
1 leads in term 1

# A follower that wakes up after two seconds does not stand for election before it has read what the leader said meanwhile.
pause 2 2s
run 3s
leaders
1: GET k
---
1 leads in term 1
1: GET k → "w"
