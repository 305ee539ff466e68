# Node 3 acknowledged six entries of term 1; the acknowledgements are late. Meanwhile 2 led, and 3's log went back to what 2 has. Then 1 leads again, and the old acknowledgements arrive: they name places beyond the new entry.
# Wrong would be: they are taken for ones of the new term, and 1 answers a write that of five nodes only 1 and 2 have.
nodes 5 replicas=5
1: SET k v
run 100ms
hold append-response from 3 to 1
lose append from 1 to 2
lose append from 1 to 4
lose append from 1 to 5
1.a: SET k first [later]
1.b: SET k first [later]
1.c: SET k first [later]
1.d: SET k first [later]
1.e: SET k first [later]
1.f: SET k first [later]
run 10ms
log 3
---
1: SET k v → OK
term 1: SET k v
term 1: SET k first, undecided
term 1: SET k first, undecided
term 1: SET k first, undecided
term 1: SET k first, undecided
term 1: SET k first, undecided
term 1: SET k first, undecided

overtake
isolate 1
elect 2
run 2s
leaders
log 3
---
2 leads in term 2
1 leads no more in term 1
1.a hears SET k first → UNKNOWN
1.b hears SET k first → UNKNOWN
1.c hears SET k first → UNKNOWN
1.d hears SET k first → UNKNOWN
1.e hears SET k first → UNKNOWN
1.f hears SET k first → UNKNOWN
2 leads in term 2
term 1: SET k v

heal
run 1s
elect 1
leaders
split 1 2 from 3 4 5
1: SET k second [later]
run 5ms
deliver
run 200ms
log 1
---
2 leads no more in term 2
1 leads in term 3
1 leads in term 3
term 1: SET k v
term 2: nothing, in a write's place
term 2: nothing, in a write's place
term 2: nothing, in a write's place
term 2: nothing, in a write's place
term 2: nothing, in a write's place
term 2: nothing, in a write's place
term 3: SET k second, undecided

run 2s
heal
run 1s
equal
---
3 leads in term 4
1 leads no more in term 3
1 hears SET k second → UNKNOWN
all replicas are equal
