#!/usr/bin/env bash
# Leads very many secrets through random lives, on a lead and a follower, and compares every read with a model.
#
#   scripts/campaign-life.sh              10000 sequences
#   scripts/campaign-life.sh 100000       as many as given
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sequences=${1:-10000}
case "$sequences" in
  *[!0-9]* | '' | 0) printf 'campaign-life.sh: %s is not a number of sequences\n' "$sequences" >&2; exit 2 ;;
esac

cargo test --test it --no-run
began=$SECONDS
AURORA_LIFE_SEQUENCES=$sequences cargo test --test it -- \
  --exact life_of_a_secret::every_read_of_every_sequence_is_what_the_model_says
printf '\n%s sequences, every read as the model says, in %s s.\n' "$sequences" "$((SECONDS - began))"
