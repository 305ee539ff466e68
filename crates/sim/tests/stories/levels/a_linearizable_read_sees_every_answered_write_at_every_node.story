# Whoever asks, wherever, after a write was answered, sees it.
# Wrong would be: an older value at any node.
nodes 3
1: SET k 1
all: GET k
2: SET k 2
all: GET k
3: DEL k
all: GET k
---
1: SET k 1 → OK
all: 1: GET k → "1"
all: 2: GET k → "1"
all: 3: GET k → "1"
2: SET k 2 → OK
all: 1: GET k → "2"
all: 2: GET k → "2"
all: 3: GET k → "2"
3: DEL k → 1
all: 1: GET k → nothing
all: 2: GET k → nothing
all: 3: GET k → nothing
