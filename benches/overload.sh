# What happens when twice as much is asked as the cluster can do: sourced by run.sh, which has start, stop, load and the rest.
#
# `overload`: a probe that asks one thing at a time, alone; what the cluster can do when AHEAD requests are on their way on each connection; TIMES as much, at an even pace, whatever comes back, with the probe beside it; and how
# soon the same load gets its throughput again. First three nodes that share the processors with each other and the generator; then one node with a processor of its own, as on a machine of its own.

overload() {
  local run conns op
  echo "| nodes | op | connections | run | capacity/s | offered/s | done/s | refused/s | probe alone, p50, p99 µs | probe beside, p50, p99 µs | p99, times | MiB before, at most | back after, s | words of refusals |"
  echo "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|"
  for alone in "" yes; do for run in $(seq "$RUNS"); do for conns in ${FLOOD_CONNS:-64}; do for op in set get; do
    echo "run $run of $RUNS: overload, $conns connections, $op${alone:+, one node alone on its processor}" >&2
    start quartet; load --op load --conns 64 >/dev/null
    # shellcheck disable=SC2046 # two words or none
    load --op overload --conns "$conns" --pipeline "${AHEAD:-64}" --times "${TIMES:-2}" $([ "$op" = get ] && echo --reads) | jq -r --argjson run "$run" --arg alone "$alone" '
      "| \(if $alone == "" then "3" else "1, alone" end) | \(.asked) | \(.conns) | \($run) | \(.capacity) | \(.offered_per_s) | \(.done_per_s) | \(.refused_per_s) | \(.probe_alone_p50_us), \(.probe_alone_p99_us) | \(.probe_p50_us), \(.probe_p99_us) | \(.probe_times) | \(.mib_before), \(.mib_at_most) | \(.back_after_s) | \(.refusals | keys | map(.[0:22]) | join("; ")) |"'
    stop
  done; done; done; done
  alone=""
}
