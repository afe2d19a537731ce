#!/usr/bin/env bash
# A fuzz campaign: every target of tests/fuzz for some time each, on one core, and a table of what was executed.
#
#   scripts/fuzz.sh [SECONDS [TARGET…]]     60 seconds each, all targets
#
# Needs a nightly toolchain and cargo-fuzz (cargo install --locked cargo-fuzz). Without a sanitizer: there is no unsafe code
# but in one file, and five times as many executions. Panics, overflows, hangs and too much memory are found all the same.
# What is found is in AURORA_FUZZ_DIR/artifacts; put it into tests/fuzz/corpus/TARGET when it is mended. The corpus grows in
# AURORA_FUZZ_DIR/corpus and not in the repository; `cargo fuzz cmin` makes the small one of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-60}
shift || true
directory=${AURORA_FUZZ_DIR:-${TMPDIR:-/tmp}/aurora-fuzz}
toolchain=${AURORA_FUZZ_TOOLCHAIN:-nightly}
mkdir -p "$directory"

if [ $# = 0 ]; then
  set -- $(cd tests/fuzz/fuzz_targets && ls -- *.rs | sed 's/\.rs$//')
fi

cargo "+$toolchain" fuzz build --sanitizer none --codegen-units 16 --fuzz-dir tests/fuzz --target-dir "$directory/target" \
  >"$directory/build.log" 2>&1 || { tail -n 30 "$directory/build.log" >&2; exit 1; }
# One target runs a whole node. It gets loopback and nothing else, whatever the fuzzer makes it want to call.
alone=(unshare --net sh -c 'ip link set lo up && exec "$@"' sh)
[ "$(id -u)" = 0 ] || alone=(unshare --map-root-user --net sh -c 'ip link set lo up && exec "$@"' sh)

programs=$(dirname "$(find "$directory/target" -type f -name names -path '*release*' -perm -u+x | head -n 1)")

printf '%-16s %12s %10s %8s %s\n' target executions per_second corpus found
for target in "$@"; do
  corpus="$directory/corpus/$target" artifacts="$directory/artifacts/$target"
  mkdir -p "$corpus" "$artifacts"
  log="$directory/$target.log"
  # A hang is ten seconds; two gigabytes are more than any input of a few kilobytes may ask for.
  "${alone[@]}" "$programs/$target" "$corpus" "tests/fuzz/corpus/$target" "-artifact_prefix=$artifacts/" -max_total_time="$seconds" \
    -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -max_len=4096 >"$log" 2>&1 || printf '%s found something: %s\n' "$target" "$log" >&2
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log" | tail -n 1)
  printf '%-16s %12s %10s %8s %s\n' "$target" "${executions:-0}" "${rate:-0}" \
    "$(find "$corpus" -type f | wc -l)" "$(find "$artifacts" -type f | wc -l)"
done | tee "$directory/table.txt"
awk 'NR > 1 { executions += $2; found += $5 } END { printf "%-16s %12d %28d\n", "all", executions, found; exit found > 0 }' \
  "$directory/table.txt"
