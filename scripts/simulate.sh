#!/usr/bin/env bash
# Runs simulated meshes from many seeds, each with every checker, and prints what happened in them. The first seed that fails
# ends it: of the pure machines made small, with its trace; of whole meshes with what to type to see its trace.
#
#   scripts/simulate.sh                       1,000,000 seeds of the pure machines
#   scripts/simulate.sh 50000                 as many as given
#   scripts/simulate.sh 50000 7000000         from that seed on
#   scripts/simulate.sh --mesh-hours 100      whole meshes of real nodes, until they have lived 100 hours together
#   scripts/simulate.sh --mesh-hours 1 5000   from seed 5000 on
#
# Whole meshes run ten hours in one process and go on in another, a thousand seeds further on: of a node that is killed there
# stays what only the end of a process takes away, its files among it.
#
# The build is optimised, with overflow checks and assertions left in; what it is made of is in target/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PIECE_HOURS=10
PIECE_SEEDS=1000

level=sim
if [ "${1:-}" = --mesh-hours ]; then level=mesh_sim; shift; fi
case "$level" in
  sim) count=${1:-1000000} ;;
  mesh_sim) count=${1:-100} ;;
esac
first=${2:-0}
for number in "$count" "$first"; do
  case "$number" in
    *[!0-9]* | '') printf 'simulate.sh: %s is not a number\n' "$number" >&2; exit 2 ;;
  esac
done

# Only what a mesh spends its time in is optimised: the rest would be built for nothing.
optimised=()
optimise() {
  local level=$1 package; shift
  for package in "$@"; do optimised+=(--config "profile.dev.package.$package.opt-level=$level"); done
}
case "$level" in
  sim)
    optimise 3 aurora-mesh rpds triomphe archery
    export AURORA_SIM_SEEDS=$count AURORA_SIM_FIRST=$first
    ;;
  mesh_sim)
    optimise 1 aurora-mesh
    optimise 3 tokio turmoil quinn quinn-proto quinn-udp rustls rpds triomphe archery ractor bytes slab indexmap hashbrown
    optimise 3 serde_json hpke sha2 bincode arc-swap
    ;;
esac
export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0
started=$(date +%s)
cargo test --test "$level" --no-run "${optimised[@]}"
built=$(date +%s)
run() { cargo test --test "$level" "${optimised[@]}" -- --exact seeds::every_invariant_holds_in_every_mesh; }
if [ "$level" = sim ]; then
  run
else
  for ((lived = 0; lived < count; lived += PIECE_HOURS, first += PIECE_SEEDS)); do
    left=$((count - lived))
    AURORA_MESH_SIM_HOURS=$((left < PIECE_HOURS ? left : PIECE_HOURS)) AURORA_MESH_SIM_FIRST=$first run
  done
fi
ended=$(date +%s)
printf 'built in %s s, run in %s s\n' "$((built - started))" "$((ended - built))"
