#!/usr/bin/env bash
# Measures a node of the release build as a whole: reads over its socket beside redis, a bare HTTP server of the same stack
# and an echo, all in the same minute; memory, starts, durable writes, growth; and what the benches in Rust find. Prints one
# table with the promises and writes the same as JSON. Needs no root. An otherwise idle machine, or the figures are not its.
#
#   scripts/bench.sh                      all of it, judges, and draws tests/bench/curves.svg (an hour; a million secrets
#                                         want 6 GB of memory)
#   scripts/bench.sh quick                a moment of everything, judges nothing
#   scripts/bench.sh full --only reads    one part: reads, memory, writes, growth, programs
#   scripts/bench.sh quick --json FILE    instead of target/bench.json; --in DIR says on which disk the nodes live
#
# Of another JSON the picture is drawn by: cargo bench --bench curves -- "$PWD/FILE.json" "$PWD/PICTURE.svg"
# AURORA=PATH takes this binary instead of building one; AURORA_BENCH_PROFILE=dev builds that profile, for trying this out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

OHA_VERSION=1.16.0
target=${CARGO_TARGET_DIR:-target}
tools=${AURORA_TOOLS_DIR:-$target/tools}
profile=${AURORA_BENCH_PROFILE:-release}

case "${1:-}" in
  quick | full) mode=$1; shift ;;
  *) mode=full ;;
esac

fail() { printf 'bench.sh: %s\n' "$*" >&2; exit 2; }

missing=()
for tool in python3 redis-server redis-benchmark; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
[ "${#missing[@]}" = 0 ] || fail "not installed: ${missing[*]} (Debian: apt-get install python3 redis-server redis-tools)"
oha=$tools/bin/oha
[ -x "$oha" ] || oha=$(command -v oha) ||
  fail "oha is not installed; type: cargo install --locked oha --version $OHA_VERSION --root $tools"

# The path of a bench, built in this profile.
built() {
  local bench_profile=$profile
  [ "$profile" != release ] || bench_profile=bench
  cargo bench --profile "$bench_profile" --no-run --bench "$1" --message-format json-render-diagnostics |
    python3 -c '
import json, sys
told = [json.loads(line) for line in sys.stdin if line.startswith("{")]
print(*[it["executable"] for it in told if it.get("executable") and it["target"]["name"] == sys.argv[1]])' "$1"
}

references=$(built references)
# The picture of the README is of a whole run.
curves=
if [ "$mode" = full ] && [ "$#" = 0 ]; then curves=$(built curves); fi
programs=()
for name in change_latency writes fleet micro; do
  grep -qx "name = \"$name\"" Cargo.toml || continue
  program=$(built "$name")
  programs+=(--program "$name=$program")
done
# Last: what benches are built with is a little more than what a node is built with, and both are put into one place.
if [ -z "${AURORA:-}" ]; then
  cargo build --profile "$profile" --bin aurora
  directory=$profile
  [ "$profile" != dev ] || directory=debug
  AURORA=$target/$directory/aurora
fi

status=0
python3 -B tests/bench/run.py "$AURORA" "$references" "$mode" --oha "$oha" --json "$target/bench.json" \
  ${programs[@]+"${programs[@]}"} "$@" || status=$?
# A promise that is not kept is a figure all the same.
if [ -n "$curves" ] && [ "$status" -le 1 ]; then "$curves" "$target/bench.json" "$PWD/tests/bench/curves.svg"; fi
exit "$status"
