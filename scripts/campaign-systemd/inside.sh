#!/usr/bin/env bash
# What scripts/campaign-systemd.sh runs inside the systemd it boots, as a service of it.
set -euo pipefail
export HOME=/root
failed=0
trap 'printf "end\n"' EXIT

# One line for each promise; the campaign goes on, so that all of them are seen.
must() {
  local what=$1
  shift
  if "$@"; then printf 'ok    %s\n' "$what"; else printf 'WRONG %s\n' "$what"; failed=1; fi
}
is() { [ "$1" = "$2" ] || { printf '      %s is not %s\n' "$1" "$2"; return 1; }; }
shown() { systemctl show -P "$2" "$1"; }
reads() { aurora audit tail -n 1000 -o json | grep '"secret.read"' | grep -c -- "$1" || true; }

# -- the node, as a unit that aurora wrote
aurora init --environment prod --listen 127.0.0.1:7700 --advertise 127.0.0.1:7700 --no-discovery --no-probe >/dev/null
aurora service install --create-user --enable >/dev/null
must 'the node is up under its unit' is "$(shown aurora.service ActiveState)/$(shown aurora.service SubState)" active/running
must 'it does not run as root' is "$(shown aurora.service User)" aurora
must 'the sockets are there' test -S /run/aurora/credentials.sock
printf 'not-a-real-key' | aurora put openai/api_key - >/dev/null
printf 'not-a-real-password' | aurora put smtp/login - >/dev/null

# -- services, as units that aurora wrote
probe='/bin/sh -c '\''cat "$CREDENTIALS_DIRECTORY"/* > "$STATE_DIRECTORY"/got; stat -f -c %T "$CREDENTIALS_DIRECTORY" > "$STATE_DIRECTORY"/where; exec sleep 1000'\'
for name in allowed denied; do
  aurora service create $name --exec "$probe" --credential openai/api_key >/dev/null
done
aurora service create mapped --exec "$probe" --credential 'password=smtp/login' -o json > /tmp/mapped.json
python3 - <<'PYTHON'
import json
view = json.load(open("/tmp/mapped.json"))
text = open("/etc/aurora/node.toml").read()
assert "\n[credentials]\n" in text
lines = "\n".join(["[credentials]"] + view["credentials"])
open("/etc/aurora/node.toml", "w").write(text.replace("\n[credentials]\n", "\n" + lines + "\n"))
open("/tmp/policy.toml", "w").write(view["grants"])
PYTHON
aurora service create allowed --exec "$probe" --credential openai/api_key -o json \
  | python3 -c 'import json,sys; print(json.load(sys.stdin)["grants"])' >> /tmp/policy.toml
aurora policy apply /tmp/policy.toml --yes >/dev/null
systemctl restart aurora.service

for unit in aurora allowed; do
  must "systemd-analyze verify has nothing to say about $unit.service" \
    is "$(systemd-analyze verify /etc/systemd/system/$unit.service 2>&1)" ''
  exposure=$(systemd-analyze security $unit.service --no-pager | sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/\1/p')
  printf '      exposure of %s.service: %s\n' $unit "$exposure"
  must "its exposure is under 2.0" awk "BEGIN { exit !($exposure < 2.0) }"
done

# -- one gets its credential
systemctl start allowed.service
must 'a unit that is granted its credential starts' is "$(shown allowed.service ActiveState)" active
for _ in $(seq 100); do [ -s /var/lib/allowed/got ] && [ -s /var/lib/allowed/where ] && break; sleep 0.05; done
must 'it has the value, byte for byte' is "$(cat /var/lib/allowed/got)" not-a-real-key
printf '      the value is on: %s; asked for %s times at one start\n' "$(cat /var/lib/allowed/where)" "$(reads unit:allowed.service)"
systemctl start mapped.service
for _ in $(seq 100); do [ -s /var/lib/mapped/got ] && break; sleep 0.05; done
must 'a name that is mapped means what it is mapped to' is "$(cat /var/lib/mapped/got)" not-a-real-password

# -- one is refused
systemctl start denied.service 2>/dev/null && must 'a unit that is not granted does not start' false
must 'the start of a unit that is refused fails with 243' is "$(shown denied.service ExecMainStatus)" 243
must 'it had no process of its own' test ! -e /var/lib/denied/got
must 'the journal names the unit that was refused' test "$(reads 'unit:denied.service.*"decision":"deny"')" -ge 1
systemctl stop denied.service

# -- one is forged: root, in another unit, under the name of the one that is allowed
cat > /run/systemd/system/forger.service <<'UNIT'
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 /usr/local/bin/forge.py allowed.service openai.api_key /tmp/forged
UNIT
systemctl daemon-reload
systemctl start forger.service
must 'a forged name is answered with more than a mebibyte' test "$(stat -c %s /tmp/forged)" -gt 1048576
must 'and with nothing of the value' bash -c '! grep -q not-a-real-key /tmp/forged'
must 'the journal tells who forged it' test "$(reads 'a process of forger.service asks for allowed.service')" -ge 1

# -- many starts: the random part of the address has leading zeros now and then
before=$(reads 'unit:allowed.service')
for _ in $(seq 40); do systemctl restart allowed.service || true; done
must 'forty restarts get their credential' is "$(shown allowed.service ActiveState)/$(shown allowed.service NRestarts)" active/0
printf '      asked for %s times by 40 restarts\n' "$(( $(reads 'unit:allowed.service') - before ))"

# -- the node hangs, and is started anew
pid=$(shown aurora.service MainPID)
mkdir -p /run/systemd/system/aurora.service.d
printf '[Service]\nWatchdogSec=3\n' > /run/systemd/system/aurora.service.d/short.conf
systemctl daemon-reload
systemctl restart aurora.service
sleep 7
must 'a node that is well is left alone by its watchdog' is "$(shown aurora.service NRestarts)" 0
kill -STOP "$(shown aurora.service MainPID)"
for _ in $(seq 150); do [ "$(shown aurora.service NRestarts)" = 1 ] && [ "$(shown aurora.service SubState)" = running ] && break; sleep 0.1; done
must 'a node that hangs is started anew by its watchdog' is "$(shown aurora.service NRestarts)/$(shown aurora.service SubState)" 1/running

# -- the node is away: a start fails, and one that had its credential goes on
mv /usr/local/bin/aurora /usr/local/bin/away
systemctl stop aurora.service
systemctl restart allowed.service 2>/dev/null && must 'without a node no unit starts' false
must 'without a node a start fails' test "$(shown allowed.service SubState)" != running
mv /usr/local/bin/away /usr/local/bin/aurora
systemctl reset-failed aurora.service
systemctl start aurora.service
for _ in $(seq 150); do [ "$(shown allowed.service SubState)" = running ] && break; sleep 0.1; done
must 'once the node is back, the unit starts by itself' is "$(shown allowed.service SubState)" running

if [ $failed = 0 ]; then printf 'all as it must be\n'; else printf 'not all as it must be\n'; fi
