#!/usr/bin/env bash
# Runs simulated meshes from many seeds, each with every checker, and prints what happened in them. The first seed that fails
# ends it, made small, with its trace.
#
#   scripts/simulate.sh                     1,000,000 seeds
#   scripts/simulate.sh 50000               as many as given
#   scripts/simulate.sh 50000 7000000       from that seed on
#
# The build is optimised, with overflow checks and assertions left in; what it is made of is in target/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

count=${1:-1000000}
first=${2:-0}
for number in "$count" "$first"; do
  case "$number" in
    *[!0-9]* | '') printf 'simulate.sh: %s is not a number\n' "$number" >&2; exit 2 ;;
  esac
done

# Only what a mesh spends its time in is optimised: the rest would be built for nothing.
optimised=()
for package in aurora-mesh rpds triomphe archery; do
  optimised+=(--config "profile.dev.package.$package.opt-level=3")
done
started=$(date +%s)
CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 cargo test --test sim --no-run "${optimised[@]}"
built=$(date +%s)
AURORA_SIM_SEEDS=$count AURORA_SIM_FIRST=$first CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 \
  cargo test --test sim "${optimised[@]}" -- --exact seeds::every_invariant_holds_in_every_mesh
ended=$(date +%s)
printf 'built in %s s, run in %s s\n' "$((built - started))" "$((ended - built))"
