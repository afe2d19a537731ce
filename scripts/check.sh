#!/usr/bin/env bash
# Every check of the repository, cheapest first; stops at the first that fails. CI runs the same.
#
#   scripts/check.sh                all of them
#   scripts/check.sh --tests-ran    without cargo test, because it has just run (also AURORA_TESTS_RAN=1)
#
# AURORA_ADVISORY_DB=PATH also checks advisories, against a git clone of RustSec/advisory-db at PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tests_ran=${AURORA_TESTS_RAN:-0}
case "${1:-}" in
  "") ;;
  --tests-ran) tests_ran=1 ;;
  *) printf 'check.sh: %s is not an option; there is --tests-ran\n' "$1" >&2; exit 2 ;;
esac

step() { printf '\n==> %s\n' "$*"; "$@"; }

find_cargo_deny() {
  local candidate
  for candidate in "${AURORA_TOOLS_DIR:-target/tools}/bin/cargo-deny" "$(command -v cargo-deny || true)"; do
    if [ -n "$candidate" ] && [ -x "$candidate" ]; then printf '%s\n' "$candidate"; return 0; fi
  done
  printf 'check.sh: cargo-deny is missing; type: cargo install --locked cargo-deny --version 0.20.2\n' >&2
  return 1
}

# cargo-deny looks for the database under a name it makes of the database's address, in a directory its configuration names.
check_advisories() {
  local scratch
  scratch=$(mktemp -d)
  # shellcheck disable=SC2064 # the directory of now is meant
  trap "rm -rf '$scratch'" EXIT
  mkdir "$scratch/db"
  ln -s "$(cd "$AURORA_ADVISORY_DB" && pwd)" "$scratch/db/advisory-db-3157b0e258782691"
  sed "s|^\[advisories\]\$|&\ndb-path = \"$scratch/db\"\ndb-urls = [\"https://github.com/RustSec/advisory-db\"]|" \
    scripts/lint/deny.toml > "$scratch/deny.toml"
  step "$cargo_deny" --config "$scratch/deny.toml" --offline check advisories
}

step cargo fmt --check
step cargo clippy --all-targets -- -D warnings
RUSTDOCFLAGS="${RUSTDOCFLAGS:-} -D warnings" step cargo doc --no-deps
if [ "$tests_ran" = 0 ]; then step cargo test; fi
# Every bench for a moment, in the dev profile and without judging: so that none rots.
step cargo test --bench '*'

cargo_deny=$(find_cargo_deny)
step "$cargo_deny" --config scripts/lint/deny.toml check bans licenses sources
if [ -n "${AURORA_ADVISORY_DB:-}" ]; then
  check_advisories
else
  printf '\n==> advisories: not checked, AURORA_ADVISORY_DB names no database (the floors in deny.toml stand in)\n'
fi
printf '\nAll checks passed.\n'
