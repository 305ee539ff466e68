# The leader takes a write and can tell nobody of it. The others go on without it. Its entry stood in its log and was never decided: it goes.
# Wrong would be: OK or a refusal for SET k lost (it was handed over: nobody knows), or a replica that keeps it.
nodes 3
1: SET k v
isolate 1
1: SET k lost [later]
run 10ms
log 1
---
1: SET k v → OK
term 1: SET k v
term 1: SET k lost, undecided

run 2s
2: SET k w
---
3 leads in term 2
1 leads no more in term 1
1 hears SET k lost → UNKNOWN
2: SET k w → OK

# Node 1's front uses up the number under which it had handed the write over: if a copy of it should come from anywhere, it counts no more.
heal
run 1s
log 1
state k
equal
---
term 1: SET k v
term 2: SET k w
term 2: nothing, in a write's place
k at 1 2 3: "w"
all replicas are equal
