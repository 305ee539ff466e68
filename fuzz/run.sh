#!/usr/bin/env bash
# Runs fuzz targets under libFuzzer, one after the other, on the stable compiler: `fuzz/run.sh SECONDS [TARGET…]`, all unless named.
# What is found is below target/fuzz/found; a corpus that grew is below target/fuzz/corpus and is merged by `fuzz/run.sh merge`.
# Instrumentation is the compiler's own pass, so neither a nightly nor cargo-fuzz is needed; there is no address sanitizer, as there is
# no unsafe code of ours for it to watch.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:?how many seconds for each target, or merge}
shift
out=$PWD/target/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
passes='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares'
RUSTFLAGS="$passes" cargo build --profile ci --locked -p fuzz --features libfuzzer --bins --target "$host" --target-dir "$out"
if [ $# = 0 ]; then set -- fuzz/fuzz_targets/*.rs; fi
for target in "$@"; do
  name=$(basename "$target" .rs)
  program=$out/$host/ci/$name
  mkdir -p "$out/corpus/$name" "$out/found"
  echo "=== $name"
  if [ "$what" = merge ]; then
    # The fewest files that reach all that was reached, none of them long.
    mkdir -p "$out/merged/$name"
    "$program" -merge=1 -max_len=1024 -verbosity=0 "$out/merged/$name" "fuzz/corpus/$name" "$out/corpus/$name"
    continue
  fi
  "$program" -max_total_time="$what" -max_len=8192 -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="$out/found/$name-" "$out/corpus/$name" "fuzz/corpus/$name"
done
