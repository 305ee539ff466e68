#!/usr/bin/env bash
# Lets systemd judge the unit. It wants the program to exist, so it is shown a copy that names the one just built
# (QUARTET_BIN, from the gate).
set -euo pipefail
cd "$(dirname "$0")"
program=${QUARTET_BIN:-$PWD/../target/release/quartet}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sed "s|^ExecStart=/usr/bin/quartet |ExecStart=$program |" quartet.service >"$folder/quartet.service"
grep -q "^ExecStart=$program " "$folder/quartet.service" || { echo "quartet.service has no ExecStart=/usr/bin/quartet" >&2; exit 1; }
# It warns of what it ignores (a misspelt key, say) and still exits with 0.
complaints=$(systemd-analyze verify --man=no "$folder/quartet.service" 2>&1) || { echo "$complaints" >&2; exit 1; }
if grep -q 'quartet\.service' <<<"$complaints"; then echo "$complaints" >&2; exit 1; fi
