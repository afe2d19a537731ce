#!/usr/bin/env bash
# Reads on two followers while their lead is killed, started again and cut off; then says whether the lead has every line,
# and whether tampering with its files is found.
#
#   scripts/campaign-audit.sh              1,000,000 reads
#   scripts/campaign-audit.sh 50000        as many as given
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

reads=${1:-1000000}
case "$reads" in
  *[!0-9]* | '' | 0) printf 'campaign-audit.sh: %s is not a number of reads\n' "$reads" >&2; exit 2 ;;
esac

AURORA_AUDIT_READS=$reads cargo test --test it -- \
  --exact audit_campaign::every_read_is_on_the_lead_once_and_in_order_whatever_happens_to_the_lead
