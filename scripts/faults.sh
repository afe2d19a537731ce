#!/usr/bin/env bash
# Puts a real node through faults, one row of a table after the other, and says which promises were kept: kill -9 at any
# moment and at every call, power cuts, full, failing, slow and read-only disks, crowds at the door, no files, no memory.
# Needs root, strace, e2fsprogs, a C compiler and Python 3. What a machine lacks is said in the row, and the run ends with 3
# for it unless --absent allows such rows.
#
#   scripts/faults.sh                     a little of every row (some ten minutes)
#   scripts/faults.sh full                all of it: 2,000 kills, 500 power cuts (hours)
#   scripts/faults.sh fault_14 fault_22   all of the rows whose names begin so
#   scripts/faults.sh quick --json FILE   also as JSON; --count N, --seed N and --keep are for looking closer
#   scripts/faults.sh quick --absent      rows that this machine cannot play do not count
#
# AURORA=PATH takes this binary instead of building one. scripts/netns.sh plays the rows about the network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[ "$(id -u)" = 0 ] || { printf 'faults.sh: needs root, for loop devices, strace and memory limits\n' >&2; exit 2; }
missing=()
for tool in python3 strace mkfs.ext4 e2fsck mount cc; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ "${#missing[@]}" -gt 0 ]; then
  printf 'faults.sh: not installed: %s (Debian: apt-get install python3 strace e2fsprogs mount gcc)\n' "${missing[*]}" >&2
  exit 2
fi
if [ -z "${AURORA:-}" ]; then
  cargo build --bin aurora
  AURORA=${CARGO_TARGET_DIR:-target}/debug/aurora
fi

case "${1:-}" in
  fault_*) what=() ;;
  quick | full) what=("$1"); shift ;;
  *) what=(quick) ;;
esac
only=fault_0,fault_1,fault_2,fault_54,fault_55,fault_57,fault_6
exec python3 -B tests/faults/run.py "$AURORA" "${what[@]}" "$@" --only "$only"
