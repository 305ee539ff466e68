# Check quorum: a leader that hears no majority for an election timeout leads no more, so its clients are not kept waiting by somebody who can decide nothing.
# Wrong would be: two nodes that both say that they lead, seconds after the cut.
nodes 3
isolate 1
run 2s
leaders
---
3 leads in term 2
1 leads no more in term 1
3 leads in term 2
