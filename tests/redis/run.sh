#!/usr/bin/env bash
# Runs test units of Redis 7.0, unchanged, against clusters of three real nodes: a fresh cluster for each unit, each unit through another node.
#
# A test may be left out only if it is in skip.txt with its reason: `UNIT | NAME | REASON`, where NAME is the whole name, and the reason is a command,
# a DEBUG subcommand or a second database that is not here. What the suite leaves out by itself ("[ignore]") needs a line too. A line that matches nothing is an error,
# so the list cannot outlive its reasons.
#
# Needs QUARTET_BIN (the binary) and REDIS_SOURCE (Redis's source tree). Names of units as arguments run only those.
set -uo pipefail
cd "$(dirname "$0")"
here=$PWD
binary=$(realpath "${QUARTET_BIN:?the path of the quartet binary}")
cd "${REDIS_SOURCE:?the folder of the source of Redis 7.0}"

wanted=780
units=(type/string type/incr type/set type/hash type/list type/list-2 type/list-3 type/zset keyspace expire scan protocol)
if [ $# -gt 0 ]; then units=("$@") wanted=0; fi

work=$(mktemp -d)
cluster=
leave() {
  [ -z "$cluster" ] || { kill -TERM "$cluster" && wait "$cluster"; } 2>/dev/null
  rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM

# Starts a cluster and leaves its first port in `port`, its process in `cluster`. Ports lie below the range of outgoing connections.
start_cluster() {
  local attempt second
  for attempt in 1 2 3 4 5; do
    port=$((12000 + RANDOM % 18000))
    # The line of the cluster before must not be taken for this one's.
    rm -rf "$work/data" "$work/ready"
    "$binary" dev --data "$work/data" --port "$port" --json >"$work/ready" 2>"$work/talk" &
    cluster=$!
    for ((second = 0; second < 600; second++)); do
      if [ -s "$work/ready" ]; then return; fi
      kill -0 "$cluster" 2>/dev/null || break
      sleep 0.2
    done
    kill -TERM "$cluster" 2>/dev/null
    wait "$cluster" 2>/dev/null
    cluster=
  done
  echo "no cluster could be started; what it said last:"
  cat "$work/talk"
  exit 1
}

stop_cluster() {
  kill -TERM "$cluster" 2>/dev/null
  wait "$cluster" || { echo "the cluster ended with exit code $?"; tail -n 20 "$work/talk"; failed=$((failed + 1)); }
  cluster=
}

field() { awk -F ' [|] ' -v field="$1" -v unit="$2" '!/^#/ && NF == 3 && $1 == unit { print $field }' "$here/skip.txt"; }

passed=0 failed=0 skipped=0 turn=0
if awk -F ' [|] ' '!/^#/ && NF && NF != 3 { print "skip.txt: line " NR " is not `UNIT | NAME | REASON`"; wrong = 1 } END { exit !wrong }' "$here/skip.txt"; then
  failed=1
fi
for unit in "${units[@]}"; do
  start_cluster
  # These units turn Redis's encodings on and off with CONFIG SET, which here changes nothing, and compare values by DEBUG DIGEST-VALUE, which is not here: everything in
  # them is tested but the names of encodings and the digests.
  case "$unit" in
    type/set | type/hash | type/list* | type/zset | keyspace) inside="--ignore-encoding --ignore-digest" ;;
    *) inside= ;;
  esac
  field 2 "$unit" | sort >"$work/listed"
  echo "== $unit, through node $((turn % 3 + 1))"
  # --durable: a test that meets an unexpected error has failed, and the unit goes on. --singledb: there is one database.
  # The suite listens on a port of its own: where that one is taken nothing was tested yet, and another will do.
  for attempt in 1 2 3; do
    TERM=dumb timeout -k 10 900 tclsh tests/test_helper.tcl --host 127.0.0.1 --port $((port + turn % 3)) --single "unit/$unit" --singledb --durable $inside --timeout 300 \
      --baseport $((12000 + RANDOM % 18000)) --skipfile "$work/listed" >"$work/output" 2>&1
    code=$?
    grep -q 'address already in use' "$work/output" || break
  done
  turn=$((turn + 1))
  stop_cluster

  sed 's/\x1b\[[0-9;]*m//g' "$work/output" >"$work/plain"
  sed -nE 's/^\[(skip|ignore)\]: //p' "$work/plain" | sort >"$work/left-out"
  unlisted=$(comm -13 <(sort -u "$work/listed") <(sort -u "$work/left-out"))
  stale=$(comm -23 <(sort -u "$work/listed") <(sort -u "$work/left-out"))
  unit_passed=$(grep -c '^\[ok\]: ' "$work/plain")
  unit_failed=$(grep -c '^\[err\]: ' "$work/plain")
  awk '/^\[/ { shown = /^\[err\]: / } shown' "$work/plain"
  if [ "$code" -ne 0 ] && [ "$unit_failed" -eq 0 ]; then
    echo "$unit did not come to its end (exit code $code):"
    tail -n 30 "$work/plain"
    unit_failed=1
  fi
  if [ -n "$unlisted" ]; then printf '%s\n' "left out, and not in skip.txt:" "$unlisted"; unit_failed=$((unit_failed + 1)); fi
  if [ -n "$stale" ]; then printf '%s\n' "in skip.txt, and not left out:" "$stale"; unit_failed=$((unit_failed + 1)); fi
  echo "   $unit: $unit_passed ok, $unit_failed failed, $(wc -l <"$work/left-out") left out"
  passed=$((passed + unit_passed)) failed=$((failed + unit_failed)) skipped=$((skipped + $(wc -l <"$work/left-out")))
done

if grep -qvE '^#|^$' "$here/skip.txt" && [ "$wanted" -gt 0 ]; then
  stranger=$(awk -F ' [|] ' '!/^#/ && NF == 3 { print $1 }' "$here/skip.txt" | sort -u | comm -23 - <(printf '%s\n' "${units[@]}" | sort))
  if [ -n "$stranger" ]; then echo "skip.txt names units that are not run: $stranger"; failed=$((failed + 1)); fi
fi
if [ "$passed" -lt "$wanted" ]; then echo "only $passed passed, and $wanted must"; failed=$((failed + 1)); fi
echo "skipped tests are listed with their reasons in tests/redis/skip.txt"
printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
