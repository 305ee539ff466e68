# What each level costs, in one run: sourced by run.sh, which has start, stop, load and the rest.
#
# `levels`: one client that waits for each answer, at node 1, on loopback and then with DELAY ms on every link (`quartet fault delay`); then the throughput of SET and GET at CONNS64 connections next to
# one Redis, in turns. Keys are of two kinds, by hash tags: half of them have their leader at the node that is asked, half at another one.
# `bigset`: what SETs in one shard and changes of one set of MEMBERS members in it feel while that shard's snapshots are written, and while none is.

# Hash tags whose shard is led by the first node (own) or by another (far), as they stand now.
tags() { # own or far, how many
  local tag leader first found=(); first=$(jq -r '.nodes[0].id' <<<"$nodes")
  for tag in $(seq 0 199); do
    leader=$(ask QUARTET WHERE "{$tag}" | jq -r .leader)
    case $1.$leader in *.null) ;; own."$first") found+=("$tag") ;; far."$first") ;; far.*) found+=("$tag") ;; esac
    [ ${#found[@]} = "$2" ] && break
  done
  joined "${found[@]}"
}
ask() { redis-cli -h "${addrs%%:*}" -p "$(cut -d: -f2 <<<"${addrs%%,*}")" "$@"; }

levels() {
  local own far here slow redis cluster level run delay=${DELAY:-10} conns=${LOAD_CONNS:-64}
  start redis; redis=("${started[@]}") redis_addrs=$addrs
  start quartet; started+=("${redis[@]}"); cluster=$addrs
  sleep 3 # leaders go home
  own=$(tags own 8) far=$(tags far 8)
  KEYS=2000 load --op load --conns 16 --tags "$own" >/dev/null; KEYS=2000 load --op load --conns 16 --tags "$far" >/dev/null
  echo "levels: on loopback" >&2
  here=$(addrs=${cluster%%,*} KEYS=2000 SECS=${LEVEL_SECS:-40} load --op levels --own "$own" --far "$far")
  echo "levels: with $delay ms on each link" >&2
  "$QUARTET" fault --at "${cluster%%,*}" delay "$delay" >&2; sleep 1
  slow=$(addrs=${cluster%%,*} KEYS=2000 SECS=$((${LEVEL_SECS:-40} * 2)) load --op levels --own "$own" --far "$far")
  "$QUARTET" fault --at "${cluster%%,*}" heal >&2
  [ "$own $far" = "$(tags own 8) $(tags far 8)" ] || echo "run.sh: leaders have moved meanwhile; measure again" >&2
  echo "One client at one node; \`own\`: that node leads the key's shard, \`other\`: another one does. Milliseconds."; echo
  echo "| | leader | p50 | p99 | requests | p50, $delay ms links | p99, $delay ms links | requests | errors |"; echo "|---|---|--:|--:|--:|--:|--:|--:|--:|"
  jq -nr --argjson here "$here" --argjson slow "$slow" 'def ms: . / 1000 | if . < 1 then . * 1000 | round / 1000 elif . < 10 then . * 100 | round / 100 else . * 10 | round / 10 end;
    range($here.cells | length) | [$here.cells[.], $slow.cells[.]] as [$a, $b]
    | "| \($a.op), \($a.level) | \($a.leader) | \($a.p50_us | ms) | \($a.p99_us | ms) | \($a.done) | \($b.p50_us | ms) | \($b.p99_us | ms) | \($b.done) | \($a.errors + $b.errors) |"'
  echo
  : >"$W/figures"
  addrs=$redis_addrs; load --op load --conns 64 >/dev/null; addrs=$cluster; load --op load --conns 64 >/dev/null
  for run in $(seq "$RUNS"); do
    echo "run $run of $RUNS: throughput" >&2
    for op in set get; do for level in redis linearizable eventual; do
      if [ "$level" = redis ]; then
        addrs=$redis_addrs; load --op $op --conns "$conns" --warmup 0.5
      else
        addrs=$cluster; load --op $op --conns "$conns" --warmup 0.5 --level "$level"; sleep 1 # what is tentative is decided
      fi | jq -c --arg who "$level" --argjson run "$run" '. + {who: $who, run: $run}' >>"$W/figures"
    done; done
  done
  addrs=$cluster; stop
  echo "| op | connections | store | ops/s | ratio to Redis | p50 µs | p99 µs | errors, absent |"; echo "|---|--:|---|--:|--:|--:|--:|--:|"
  jq -rs "$median"' . as $all | group_by([.op, .who])[] | .[0] as $f
    | [.[] | . as $o | $all[] | select(.who == "redis" and .op == $o.op and .run == $o.run) | $o.ops_per_s / ([.ops_per_s, 1] | max)] as $ratios
    | "| \($f.op) | \($f.conns) | \(if $f.who == "redis" then "redis" else "quartet, " + $f.who end) | \(map(.ops_per_s) | median | round) | \($ratios | median | two) | \(map(.p50_us) | median | round) | \(map(.p99_us) | median | round) | \(map(.errors) | add), \(map(.absent) | add) |"' "$W/figures"
}

# The first node's view of the shard in which the set lives: the last entry of its snapshot, at each node.
snapshot_points() { local a; for a in ${addrs//,/ }; do redis-cli -h "${a%:*}" -p "${a#*:}" QUARTET STATUS | jq -r --argjson shard "$1" '.shards[] | select(.shard == $shard) | .local.snapshot'; done | paste -sd' '; }

bigset() {
  local members=${MEMBERS:-1000000} tag=s shard window before after sets toggles line
  start quartet; sleep 3
  echo "bigset: adding $members members" >&2
  seq 0 $((members - 1)) | awk 'BEGIN { printf "CONSISTENCY linearizable DEADLINE 60000\r\n" } { printf "%s m%08d", (NR % 500 == 1 ? "SADD {'$tag'}set" : ""), $1 } NR % 500 == 0 { printf "\r\n" } END { if (NR % 500) printf "\r\n" }' | ask --pipe >"$W/piped" 2>&1 || tail -3 "$W/piped" >&2
  [ "$(ask SCARD "{$tag}set")" = "$members" ] || { echo "run.sh: the set has not $members members" >&2; exit 1; }
  shard=$(ask QUARTET WHERE "{$tag}set" | jq .shard)
  : >"$W/figures"
  for window in $(seq "${WINDOWS:-60}"); do
    before=$(snapshot_points "$shard")
    # The shard's log must outgrow the shard: large values, all of them in it.
    SECS=${WINDOW_SECS:-2} KEYS=1000 load --op set --conns 16 --warmup 0 --tags $tag --vsize "${VSIZE:-100}" >"$W/sets" 2>/dev/null & sets=$!
    SECS=${WINDOW_SECS:-2} KEYS=$members load --op toggle --conns 4 --warmup 0 --tags $tag >"$W/toggles" 2>/dev/null & toggles=$!
    wait $sets; wait $toggles; after=$(snapshot_points "$shard")
    for line in sets toggles; do jq -c --arg before "$before" --arg after "$after" --arg w "$window" '. + {window: ($w | tonumber), snapshots: ([($before / " "), ($after / " ")] | transpose | map(select(.[0] != .[1])) | length)}' "$W/$line" >>"$W/figures"; done
  done
  stop
  echo "Windows of ${WINDOW_SECS:-2} s, in which a snapshot of the shard of the set was finished (at one node or more), and in which none was written; medians over the windows, and the worst."; echo
  echo "| op | snapshots | windows | ops/s | p50 µs | p99 µs | p99.9 µs | worst p99.9 µs | errors |"; echo "|---|---|--:|--:|--:|--:|--:|--:|--:|"
  # A window right before one in which a snapshot was finished may hold the beginning of it: it counts as neither.
  jq -rs "$median"' (map(select(.snapshots > 0).window)) as $busy | map(select(.snapshots > 0 or (.window + 1 | IN($busy[]) | not)))
    | group_by([.op, .snapshots > 0])[] | .[0] as $f
    | "| \(if $f.op == "set" then "SET, same shard" else "SADD and SREM, the set" end) | \(if $f.snapshots > 0 then "with" else "without" end) | \(length) | \(map(.ops_per_s) | median | round) | \(map(.p50_us) | median | round) | \(map(.p99_us) | median | round) | \(map(.p999_us) | median | round) | \(map(.p999_us) | max | round) | \(map(.errors) | add) |"' "$W/figures"
}
