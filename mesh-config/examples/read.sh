#!/bin/sh
# Reads a credential from the node on this machine, with curl alone, and prints the node's answer (JSON with the value in it):
#
#   answer=$(./read.sh openai/api_key)
#
# It asks on the Unix socket, where the kernel says who this program is. With AURORA_URL=http://127.0.0.1:8003 it asks on
# loopback ([api] listen) instead, with the API key in the file that AURORA_TOKEN_FILE names. AURORA_COMPANY names the company
# on whose behalf it is read, AURORA_SOCKET another socket. For the value alone: aurora get openai/api_key.
set -eu
path="/api/secrets/$1"

# Headers go to curl on its standard input: its arguments can be seen by every user of the machine.
headers() {
  if [ -n "${AURORA_URL:-}" ]; then
    printf 'header = "X-Aurora-Request: true"\n'
    printf 'header = "X-API-Key: %s"\n' "$(cat "$AURORA_TOKEN_FILE")"
  fi
  if [ -n "${AURORA_COMPANY:-}" ]; then printf 'header = "X-Company-Id: %s"\n' "$AURORA_COMPANY"; fi
}

# A refusal is printed too, on standard error, and makes this fail.
if [ -n "${AURORA_URL:-}" ]; then
  set -- --noproxy '*' "$AURORA_URL$path"
else
  set -- --unix-socket "${AURORA_SOCKET:-/run/aurora/agent.sock}" "http://aurora$path"
fi
answer=$(headers | curl --config - --silent --show-error --max-time 10 --write-out '\n%{http_code}' "$@")
status=${answer##*
}
body=${answer%
*}
if [ "$status" != 200 ]; then
  printf '%s\n' "$body" >&2
  exit 1
fi
printf '%s\n' "$body"
