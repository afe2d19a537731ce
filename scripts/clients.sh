#!/usr/bin/env bash
# Installs the clients of other systems that the tests run against a real node, into target/clients: Python packages in a
# virtual environment, Node packages, and a Rust program. Without it those tests say that they were skipped.
#
#   scripts/clients.sh        install what is missing
#
# Needs python3 with venv and, for the others, npm and cargo; what cannot be installed is named at the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

clients="$PWD/target/clients"
mkdir -p "$clients"
missing=()

# Whether the files behind an installation are those it was made from.
is_current() { [ -e "$1/made-from" ] && cat "${@:2}" | cmp -s - "$1/made-from"; }
made_from() { cat "${@:2}" > "$1/made-from"; }

python() {
  local made="$clients/python"
  if is_current "$made" tests/clients/requirements.txt; then return 0; fi
  python3 -m venv --clear "$made" &&
    "$made/bin/pip" install --quiet --disable-pip-version-check --requirement tests/clients/requirements.txt &&
    made_from "$made" tests/clients/requirements.txt
}

node() {
  local made="$clients/node"
  if is_current "$made" tests/clients/package.json; then return 0; fi
  mkdir -p "$made" && cp tests/clients/package.json "$made/" &&
    (cd "$made" && npm install --silent --no-audit --no-fund --ignore-scripts) &&
    made_from "$made" tests/clients/package.json
}

# Built among the node's own: half of what it is made of, TLS in C above all, is there or will be needed there.
rust() {
  local made="$clients/rust"
  CARGO_TARGET_DIR="$PWD/target" CARGO_PROFILE_DEV_DEBUG=0 \
    cargo build --quiet --locked --manifest-path tests/clients/vaultrs/Cargo.toml &&
    mkdir -p "$made" && cp target/debug/vaultrs-client "$made/"
}

for kind in python node rust; do
  printf '==> %s clients\n' "$kind"
  "$kind" || missing+=("$kind")
done
if [ "${#missing[@]}" -gt 0 ]; then
  printf 'clients.sh: could not be installed: %s\n' "${missing[*]}" >&2
  exit 1
fi
printf 'All clients are in %s\n' "$clients"
