#!/bin/bash
# Measures Quartet against etcd and Redis on this machine and prints the tables of docs/benchmarks.md.
#
#   benches/run.sh [table|memory|failover|snapshot|levels|bigset|overload]...      default: table memory
#
# RUNS=3 SECS=5 KEYS=100000 CONNS="1 16 64 256" LOADED=1000000 change the effort; QUARTET=path names a built binary.
# etcd is three nodes and is left out if it is not installed; Redis is ONE node with appendfsync always.
# Tables go to stdout, progress to stderr. Contestants take turns within each run, each with fresh data. Only processes that were started here are ever signalled.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
RUNS=${RUNS:-3} SECS=${SECS:-5} KEYS=${KEYS:-100000} CONNS=${CONNS:-1 16 64 256} LOADED=${LOADED:-1000000}
need() { command -v "$1" >/dev/null || { echo "run.sh: $1 is needed" >&2; exit 2; }; }
need jq; need redis-cli; need redis-server
contestants="quartet redis"; command -v etcd >/dev/null && command -v etcdctl >/dev/null && contestants="quartet etcd redis"
W=$(mktemp -d "${BENCH_DIR:-/var/tmp}/quartet-bench.XXXXXX")
if [ -z "${QUARTET:-}" ]; then
  cargo build --release --quiet --bin quartet
  QUARTET=$(cargo metadata --format-version 1 --no-deps | jq -r .target_directory)/release/quartet
fi
LOAD=${LOAD:-$(cargo bench -p client --bench load --no-run --message-format json 2>/dev/null | jq -r 'select(.executable? and .target.name == "load") | .executable' | tail -1)}
[ -x "$LOAD" ] || { echo "run.sh: the load generator was not built; try: cargo bench -p client --bench load --no-run" >&2; exit 2; }

started=() pids="" addrs="" proto=resp
spawn() { "$@" >>"$W/log" 2>&1 </dev/null & started+=($!); }
wait_for() { for _ in $(seq 300); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; echo "run.sh: gave up on: $*; the last words were: $(tail -2 "$W/log")" >&2; exit 1; }
joined() { local IFS=,; echo "$*"; }

start() { # sets started, pids, addrs, proto
  started=() proto=resp
  case $1 in
    quartet)
      # Alone on the first processor, where a bench says so: it is to be as if clients were on another machine.
      spawn ${alone:+taskset -c 0} "$QUARTET" dev ${alone:+--nodes 1} --json --data "$W/quartet" --port 17401
      # The description is the only line on stdout that is JSON; everything else went to the same log before it.
      wait_for grep -q '^{"cluster"' "$W/log"
      nodes=$(grep '^{"cluster"' "$W/log" | tail -1)
      addrs=$(jq -r '[.nodes[].resp] | join(",")' <<<"$nodes") pids=$(jq -r '[.nodes[].pid | tostring] | join(",")' <<<"$nodes") ;;
    redis)
      mkdir -p "$W/redis"
      spawn redis-server --bind 127.0.0.1 --port 17411 --dir "$W/redis" --save "" --appendonly yes --appendfsync always --loglevel warning
      wait_for redis-cli -p 17411 ping
      addrs=127.0.0.1:17411 pids=${started[0]} ;;
    etcd)
      local all="" i
      for i in 1 2 3; do all+=",n$i=http://127.0.0.1:1743$i"; done
      for i in 1 2 3; do
        spawn etcd --name "n$i" --data-dir "$W/etcd-$i" --listen-client-urls "http://127.0.0.1:1742$i" --advertise-client-urls "http://127.0.0.1:1742$i" \
          --listen-peer-urls "http://127.0.0.1:1743$i" --initial-advertise-peer-urls "http://127.0.0.1:1743$i" --initial-cluster "${all#,}" \
          --quota-backend-bytes $((8 << 30)) --logger zap --log-level error
      done
      for i in 1 2 3; do ETCDCTL_API=3 wait_for etcdctl --endpoints "http://127.0.0.1:1742$i" put warm x; done
      proto=etcd addrs=127.0.0.1:17421,127.0.0.1:17422,127.0.0.1:17423 pids=$(joined "${started[@]}") ;;
  esac
}
stop() {
  local pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  started=()
  rm -rf "$W/quartet" "$W/redis" "$W"/etcd-* "$W/log"
}
trap 'stop; rm -rf "$W"' EXIT
trap 'exit 130' INT TERM
alone=""
load() { ${alone:+taskset -c 1} "$LOAD" --proto "$proto" --addrs "$addrs" --pids "$pids" --keys "$KEYS" --secs "$SECS" "$@"; }
syncs() { local sum=0 a; for a in ${addrs//,/ }; do sum=$((sum + $(redis-cli -h "${a%:*}" -p "${a#*:}" QUARTET STATUS | jq .log.syncs))); done; echo "$sum"; }

median='def median: sort | if length % 2 == 1 then .[(length - 1) / 2] else (.[length / 2 - 1] + .[length / 2]) / 2 end; def two: . * 100 | round / 100;'

measure() { # contestant, run; appends one JSON line for each figure
  local c before after line
  start "$1"; load --op load --conns 64 >/dev/null
  for c in $CONNS; do
    before=0 after=0; [ "$1" = quartet ] && before=$(syncs)
    # No warm-up: then the writes that were counted are the writes that the syncs were for.
    line=$(load --op set --conns "$c" --warmup 0); [ "$1" = quartet ] && after=$(syncs)
    jq -c --arg who "$1" --argjson run "$2" --argjson syncs $((after - before)) '. + {who: $who, run: $run, syncs_per_1000: ($syncs * 1000 / ([.done, 1] | max))}' <<<"$line" >>"$W/figures"
    load --op get --conns "$c" | jq -c --arg who "$1" --argjson run "$2" '. + {who: $who, run: $run}' >>"$W/figures"
  done
  stop
}
table() {
  local run who; : >"$W/figures"
  for run in $(seq "$RUNS"); do for who in $contestants; do echo "run $run of $RUNS: $who" >&2; measure "$who" "$run"; done; done
  jq -rs "$median"' . as $all
    | "| op | connections | store | ops/s | ratio: Quartet to it | p50 µs | p99 µs | p99.9 µs | errors, absent | CPU s per million | syncs per 1,000 |", "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    (group_by([.op, .conns, .who])[] | .[0] as $f
      # The ratio is of figures from the same run; the median of the ratios, not the ratio of the medians.
      | [.[] | . as $o | $all[] | select(.who == "quartet" and .op == $o.op and .conns == $o.conns and .run == $o.run) | .ops_per_s / ([$o.ops_per_s, 1] | max)] as $ratios
      | [$f.op, $f.conns, $f.who, (map(.ops_per_s) | median | round), ($ratios | median | two), (map(.p50_us) | median | round), (map(.p99_us) | median | round), (map(.p999_us) | median | round),
         "\(map(.errors) | add), \(map(.absent) | add)", (map(.server_cpu_s_per_million) | median | two),
         (if $f.who == "quartet" and $f.op == "set" then (map(.syncs_per_1000) | median | two) else "" end)] | "| " + (map(tostring) | join(" | ")) + " |")' "$W/figures"
}
memory() {
  local who
  echo "| store | keys | MiB resident, all nodes | load, keys/s |"; echo "|---|--:|--:|--:|"
  for who in $contestants; do
    start "$who"; KEYS=$LOADED load --op load --conns 64 | jq -r --arg who "$who" '"| \($who) | \(.done) | \(.server_rss_mib) | \(.ops_per_s) |"'; stop
  done
}
# One node is killed while eight writers write. Quartet's leaders are spread, so any node will do; of etcd it is the leader.
failover() {
  local who run victim i
  echo "| store | run | longest gap, ms | acknowledged | verified | lost | wrong |"; echo "|---|--:|--:|--:|--:|--:|--:|"
  for run in $(seq "$RUNS"); do for who in $contestants; do
    [ "$who" = redis ] && continue
    start "$who"; sleep 2; victim=${pids%%,*}
    if [ "$who" = etcd ]; then for i in 1 2 3; do
      ETCDCTL_API=3 etcdctl --endpoints "http://127.0.0.1:1742$i" endpoint status -w json | jq -e '.[0].Status | .leader == .header.member_id' >/dev/null && victim=${started[$((i - 1))]}
    done; fi
    SECS=12 load --op failover --conns 8 --kill-pid "$victim" | jq -r --arg who "$who" --argjson run "$run" '"| \($who) | \($run) | \(.longest_gap_ms) | \(.acknowledged) | \(.verified) | \(.lost) | \(.wrong) |"'
    stop
  done; done
}

# What a client feels while snapshots are written: windows of writes over many keys, each with the number of snapshots that the three nodes wrote in it.
snapshots() { local sum=0 a; for a in ${nodes_http//,/ }; do sum=$((sum + $(curl -s "http://$a/metrics" | awk '/^quartet_snapshots_written_total/ { print $2 }'))); done; echo "$sum"; }
snapshot() {
  local window before after nodes_http
  start quartet; nodes_http=$(jq -r '[.nodes[].http] | join(",")' <<<"$nodes")
  KEYS=$LOADED load --op load --conns 64 >/dev/null
  head -c 8388608 /dev/urandom | redis-cli -h "${addrs%%:*}" -p "$(cut -d: -f2 <<<"${addrs%%,*}")" -x SET large >/dev/null
  echo "| window | snapshots written | SET/s | p50 µs | p99 µs | p99.9 µs | errors |"; echo "|--:|--:|--:|--:|--:|--:|--:|"
  for window in $(seq "${WINDOWS:-8}"); do
    before=$(snapshots)
    line=$(SECS=10 KEYS=$LOADED load --op set --conns 16 --warmup 0); after=$(snapshots)
    jq -r --arg w "$window" --argjson s $((after - before)) '"| \($w) | \($s) | \(.ops_per_s | round) | \(.p50_us | round) | \(.p99_us | round) | \(.p999_us | round) | \(.errors) |"' <<<"$line"
  done
  stop
}

# shellcheck source=benches/levels.sh
. benches/levels.sh
# shellcheck source=benches/overload.sh
. benches/overload.sh

echo "$(date -u +%F), $(nproc) CPUs, $(uname -sr), $("$QUARTET" --version); load average before: $(cut -d' ' -f1 /proc/loadavg)"
echo
[ $# -gt 0 ] || set -- table memory
for part in "$@"; do case $part in table | memory | failover | snapshot | levels | bigset | overload) $part; echo ;; *) sed -n '2,8p' "${BASH_SOURCE[0]}"; exit 2 ;; esac; done
