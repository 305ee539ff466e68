# Wrong would be: a token that was made up makes a node wait, or promise, for something that never was.
nodes 3
1: WITH k causal AFTER "not-a-token" DO GET k
1: WITH k causal AFTER "AQUFBQUFBQUFAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" DO GET k
---
1: WITH k causal AFTER not-a-token DO GET k → INVALID
1: WITH k causal AFTER AQUFBQUFBQUFAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA DO GET k → INVALID
