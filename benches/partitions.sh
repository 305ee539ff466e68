#!/bin/bash
# How long writes stand still when links between nodes break: Quartet and etcd side by side, five nodes in network namespaces, one writer pinned to each node.
#
#   sudo benches/partitions.sh [shape]...      default: all of quorum-loss constrained chained bridge ring one-way isolate flapping
#
# RUNS=3 change the effort; QUARTET=path and LOAD=path name built binaries. Needs root, ip, jq; etcd is left out if it is not installed.
# A link is cut silently (a wrong neighbour entry): packets vanish, nobody is told. Second 3: cut; second 13: healed; second 18: end. The figure is the longest span without an acknowledged write of the slowest writer
# from the cut to the end, of writers at nodes that are connected to a majority. Tables go to stdout, progress to stderr.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
NET=10.92.7 N=5 RUNS=${RUNS:-3}
forget() { ip -n "qb$1" neigh replace "$NET.$2" lladdr 02:51:74:00:00:00 nud permanent dev eth0; }
both() { forget "$1" "$2"; forget "$2" "$1"; }
heal() { local a b; for a in 1 2 3 4 5; do for b in 1 2 3 4 5; do [ "$a" = "$b" ] || ip -n "qb$a" neigh del "$NET.$b" dev eth0 2>/dev/null || true; done; done; }
# Which pairs keep their links. The leader of before is $2, the hub $3.
cut_shape() {
  local shape=$1 L=$2 H=$3 a b d keep
  case $shape in one-way) forget "$L" "$H"; return ;; flapping) for _ in $(seq 20); do both "$L" "$H"; sleep 0.25; heal; sleep 0.25; done; return ;; esac
  for a in 1 2 3 4; do for b in $(seq $((a + 1)) 5); do
    keep=0; d=$((b - a))
    case $shape in
      quorum-loss) { [ "$a" = "$H" ] || [ "$b" = "$H" ]; } && keep=1 ;;
      constrained) { [ "$a" = "$H" ] || [ "$b" = "$H" ]; } && [ "$a" != "$L" ] && [ "$b" != "$L" ] && keep=1 ;;
      chained) [ $d = 1 ] && keep=1 ;;
      ring) { [ $d = 1 ] || [ $d = 4 ]; } && keep=1 ;;
      bridge) { [ "$a" = 3 ] || [ "$b" = 3 ] || { [ "$a" -lt 3 ] && [ "$b" -lt 3 ]; } || { [ "$a" -gt 3 ] && [ "$b" -gt 3 ]; }; } && keep=1 ;;
      isolate) [ "$a" != "$L" ] && [ "$b" != "$L" ] && keep=1 ;;
    esac
    [ $keep = 1 ] || both "$a" "$b"
  done; done
}
if [ "${1:-}" = strike ]; then
  # For a constrained election the hub's log must be old: it is cut off from the leader a moment before the others are.
  [ "$2" = constrained ] && { both "$3" "$4"; sleep 0.1; }
  cut_shape "$2" "$3" "$4"; [ "$2" = flapping ] || sleep 10; heal; exit
fi
need() { command -v "$1" >/dev/null || { echo "partitions.sh: $1 is needed" >&2; exit 2; }; }
need ip; need jq; [ "$(id -u)" = 0 ] || { echo "partitions.sh: root is needed, for network namespaces" >&2; exit 2; }
contestants="quartet"; command -v etcd >/dev/null && command -v etcdctl >/dev/null && contestants="quartet etcd"
W=$(mktemp -d "${BENCH_DIR:-/var/tmp}/quartet-links.XXXXXX")
if [ -z "${QUARTET:-}" ]; then
  cargo build --release --quiet --bin quartet
  QUARTET=$(cargo metadata --format-version 1 --no-deps | jq -r .target_directory)/release/quartet
fi
LOAD=${LOAD:-$(cargo bench -p client --bench load --no-run --message-format json 2>/dev/null | jq -r 'select(.executable? and .target.name == "load") | .executable' | tail -1)}
started=()
stop() { local pid; for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done; for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done; started=(); rm -rf "$W"/data-*; }
down() { local i; stop; for i in 1 2 3 4 5; do ip netns del "qb$i" 2>/dev/null || true; done; ip link del qbbr 2>/dev/null || true; rm -rf "$W"; }
trap down EXIT
trap 'exit 130' INT TERM
ip link add qbbr type bridge; ip addr add "$NET.254/24" dev qbbr; ip link set qbbr up
for i in 1 2 3 4 5; do
  ip netns add "qb$i"; ip link add "qbv$i" type veth peer name eth0 netns "qb$i"; ip link set "qbv$i" master qbbr up
  ip -n "qb$i" link set lo up; ip -n "qb$i" addr add "$NET.$i/24" dev eth0; ip -n "qb$i" link set eth0 up
done
spawn() { local i=$1; shift; ip netns exec "qb$i" "$@" >>"$W/log" 2>&1 </dev/null & started+=($!); }
wait_for() { for _ in $(seq 300); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; echo "partitions.sh: gave up on: $*; $(tail -2 "$W/log")" >&2; exit 1; }
export QUARTET_CLUSTER_SECRET=links QUARTET_REQUIREPASS=links
start() { # sets addrs, proto, words, leader
  local i all=""
  case $1 in
    quartet)
      for i in 1 2 3 4 5; do all+=",$NET.$i:7201"; done
      for i in 1 2 3 4 5; do spawn "$i" "$QUARTET" start --data "$W/data-$i" --listen "$NET.$i" --resp-port 7001 --http-port 7101 --peer-port 7201 --join "${all#,}" --bootstrap-expect 5; done
      for i in 1 2 3 4 5; do wait_for curl -sf "http://$NET.$i:7101/readyz"; done
      proto=resp words=(--password links) addrs=$(for i in 1 2 3 4 5; do printf '%s.%s:7001,' "$NET" "$i"; done) leader=1 ;;
    etcd)
      for i in 1 2 3 4 5; do all+=",n$i=http://$NET.$i:2380"; done
      for i in 1 2 3 4 5; do
        spawn "$i" etcd --name "n$i" --data-dir "$W/data-$i" --listen-client-urls "http://$NET.$i:2379" --advertise-client-urls "http://$NET.$i:2379" --listen-peer-urls "http://$NET.$i:2380" \
          --initial-advertise-peer-urls "http://$NET.$i:2380" --initial-cluster "${all#,}" --logger zap --log-level error
      done
      for i in 1 2 3 4 5; do ETCDCTL_API=3 wait_for etcdctl --endpoints "http://$NET.$i:2379" put warm x; done
      proto=etcd words=() addrs=$(for i in 1 2 3 4 5; do printf '%s.%s:2379,' "$NET" "$i"; done)
      for i in 1 2 3 4 5; do ETCDCTL_API=3 etcdctl --endpoints "http://$NET.$i:2379" endpoint status -w json | jq -e '.[0].Status | .leader == .header.member_id' >/dev/null && leader=$i; done ;;
  esac
  addrs=${addrs%,}
}
[ $# -gt 0 ] || set -- quorum-loss constrained chained bridge ring one-way isolate flapping
echo "$(date -u +%F), $(nproc) CPUs, $(uname -sr), $("$QUARTET" --version); load average before: $(cut -d' ' -f1 /proc/loadavg)"
echo; echo "| shape | store | longest gap of the slowest writer, ms, each run | acknowledged | lost, wrong |"; echo "|---|---|---|--:|--:|"
for shape in "$@"; do for who in $contestants; do
  gaps=() acknowledged=0 bad=0
  for run in $(seq "$RUNS"); do
    echo "$shape, $who, run $run" >&2
    start "$who"; sleep 2; hub=$((leader % N + 1))
    # In a chain or a ring nobody plays a part; across a bridge 3 stands in the middle.
    line=$("$LOAD" --proto "$proto" "${words[@]}" --addrs "$addrs" --op failover --pinned --conns 5 --secs 18 --kill-after 3 --op-timeout-ms 20000 --run "$PWD/benches/partitions.sh strike $shape $leader $hub")
    lone=0; case $shape in constrained | isolate) lone=$leader ;; esac
    gaps+=("$(jq --argjson lone "$lone" '.longest_gap_ms_by_address | to_entries | map(select(.key + 1 != $lone).value) | max | round' <<<"$line")")
    acknowledged=$((acknowledged + $(jq .acknowledged <<<"$line"))) bad=$((bad + $(jq '.lost + .wrong' <<<"$line")))
    heal; stop
  done
  echo "| $shape | $who | ${gaps[*]} | $acknowledged | $bad |"
done; done
