#!/usr/bin/env bash
# Kills a follower while programs read from it, many times, and says whether every answered read is in its journal.
#
#   scripts/campaign-audit-kill.sh              200 kills
#   scripts/campaign-audit-kill.sh 1000         as many as given
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kills=${1:-200}
case "$kills" in
  *[!0-9]* | '' | 0) printf 'campaign-audit-kill.sh: %s is not a number of kills\n' "$kills" >&2; exit 2 ;;
esac

AURORA_AUDIT_KILLS=$kills cargo test --test it -- \
  --exact audit_campaign::no_answered_read_is_missing_from_the_journal_of_a_follower_that_was_killed
