#!/usr/bin/env bash
# Puts a lead and its followers on bad networks: partitions in both directions and in one, loss of 30 and 60 %, late, doubled,
# spoiled and too long packets, changed addresses, followers that never read. Reads and changes go on meanwhile; afterwards
# everybody must be equal, and what was deleted or banned must have arrived.
# Needs root, iproute2, nftables and Python 3. Each node has a network namespace of its own; nothing outside is changed.
# A row that this machine cannot play makes the run end with 3, unless --absent allows it.
#
#   scripts/netns.sh                      a little of every row (some five minutes)
#   scripts/netns.sh full                 all of it
#   scripts/netns.sh fault_40 fault_41    all of the rows whose names begin so; options as for scripts/faults.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[ "$(id -u)" = 0 ] || { printf 'netns.sh: needs root, for network namespaces\n' >&2; exit 2; }
missing=()
for tool in python3 ip nft nsenter; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ "${#missing[@]}" -gt 0 ]; then
  printf 'netns.sh: not installed: %s (Debian: apt-get install python3 iproute2 nftables util-linux)\n' "${missing[*]}" >&2
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
exec python3 -B tests/faults/run.py "$AURORA" "${what[@]}" "$@" --only fault_37,fault_38,fault_4,fault_53
