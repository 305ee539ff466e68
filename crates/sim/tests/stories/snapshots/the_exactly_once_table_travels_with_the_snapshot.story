# A client's numbered INCR is applied; node 3 learns of it through a snapshot alone, and leads. The client asks again, under the same number.
# Wrong would be: 2. A deduplication table that stays behind lets the command happen twice.
nodes 3 snapshot=20000
crash 3 kill
1: WITH n linearizable ID "carol:1" DO INCR n
fill 1 keys=200 bytes=1000
fill 1 keys=200 bytes=1001
run 1s
start 3
run 2s
elect 3
leaders
3: WITH n linearizable ID "carol:1" DO INCR n
3: GET n
---
1: WITH n linearizable ID carol:1 DO INCR n → 1
3 has installed a snapshot
1 leads no more in term 1
3 leads in term 2
3 leads in term 2
3: WITH n linearizable ID carol:1 DO INCR n → 1
3: GET n → "1"
