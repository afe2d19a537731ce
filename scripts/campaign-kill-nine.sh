#!/usr/bin/env bash
# Kills the lead at random moments under a stream of puts, many times, and says what became of the acknowledged ones.
#
#   scripts/campaign-kill-nine.sh              200 kills
#   scripts/campaign-kill-nine.sh 1000         as many as given
#
# AURORA_KILL_NINE_SEED=N repeats the moments of an earlier run, whose seed it printed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rounds=${1:-200}
case "$rounds" in
  *[!0-9]* | '' | 0) printf 'campaign-kill-nine.sh: %s is not a number of rounds\n' "$rounds" >&2; exit 2 ;;
esac

log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo test --test it --no-run
began=$SECONDS
status=0
AURORA_KILL_NINE_ROUNDS=$rounds cargo test --test it -- \
  --exact kill_nine::what_was_acknowledged_is_there_after_the_process_was_killed 2>&1 | tee "$log" || status=$?

last=$(grep -o 'kill_nine: round .*' "$log" | tail -n 1 || true)
if [ -z "$last" ]; then printf '\nNo round was finished.\n'; exit 1; fi
acked=$(sed -n 's/.* \([0-9]*\) acknowledged.*/\1/p' <<<"$last")
lost=$(sed -n 's/.* \([0-9]*\) lost.*/\1/p' <<<"$last")
done=$(sed -n 's/kill_nine: round \([0-9]*\),.*/\1/p' <<<"$last")
printf '\n%s of %s kills: %s puts acknowledged, %s lost, %s s. %s\n' \
  "$done" "$rounds" "$acked" "$lost" "$((SECONDS - began))" "$(grep -o 'seed [0-9]*' "$log" | head -n 1)"
if [ "$status" != 0 ] || [ "$done" != "$rounds" ] || [ "$lost" != 0 ]; then exit 1; fi
