# Node 2's weak INCR was decided, and 2 does not know it. Node 3 learns of it through a snapshot alone, and leads. Then 2 hands its operation in again, to 3.
# Wrong would be: 2. The mark that says which operations of an origin are decided is part of what a snapshot brings.
nodes 5 replicas=5 snapshot=20000
crash 3 kill
2: INCR@causal n
lose append from 1 to 2
lose heartbeat from 1 to 2
run 50ms
4: GET n
isolate 2
pending
fill 1 keys=200 bytes=1000
fill 1 keys=200 bytes=1001
run 1s
start 3
run 3s
elect 3
leaders
---
2: INCR@causal n → 1 (tentative)
4: GET n → "1"
2 holds 1 undecided
3 has installed a snapshot
1 leads no more in term 1
3 leads in term 2
3 leads in term 2

forget
hold append from 3 to 2
hold submit from 2 to 3
heal
run 200ms
held
---
2 to 3: submit
3 to 2: append

deliver submit from 2 to 3
run 200ms
3: GET n
deliver
run 1s
3: GET n
pending
equal
---
3: GET n → "1"
2 has installed a snapshot
3: GET n → "1"
nothing is undecided
all replicas are equal
