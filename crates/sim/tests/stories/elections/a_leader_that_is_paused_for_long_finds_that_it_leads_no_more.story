# Stopped for two seconds (SIGSTOP, a virtual machine that moved), it wakes up believing that it leads. What it then says is true or unknown, never old.
# Wrong would be: "old".
nodes 3
1: SET k old
pause 1 2s
run 1s
leaders
2: SET k new
1: GET k [later]
run 2s
leaders
1: GET k
---
1: SET k old → OK
3 leads in term 2
1 leads in term 1; 3 leads in term 2
2: SET k new → OK
1 leads no more in term 1
1 hears GET k → "new"
3 leads in term 2
1: GET k → "new"
