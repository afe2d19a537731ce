#!/usr/bin/env bash
# Boots a real systemd in namespaces of its own, installs a node in it with `aurora service install`, makes services with
# `aurora service create`, and looks who is given a credential. Nothing outside is changed. Needs root, systemd and python3.
#
#   scripts/campaign-systemd.sh                       the debug build
#   AURORA=target/release/aurora scripts/campaign-systemd.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

aurora=$(readlink -f "${AURORA:-target/debug/aurora}")
[ "$(id -u)" = 0 ] || { printf 'campaign-systemd.sh: needs root, for namespaces and mounts\n' >&2; exit 2; }
[ -x "$aurora" ] || { printf 'campaign-systemd.sh: %s is not there: cargo build\n' "$aurora" >&2; exit 2; }
systemd=$(command -v /usr/lib/systemd/systemd || command -v /lib/systemd/systemd) \
  || { printf 'campaign-systemd.sh: systemd is not installed\n' >&2; exit 2; }

work=$(mktemp -d)
trap 'umount -l "$work" 2>/dev/null || true; rmdir "$work" 2>/dev/null || true' EXIT
mount -t tmpfs -o size=1G,mode=755 tmpfs "$work"
mkdir "$work"/{upper,inner,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/inner" "$work/root"
root=$work/root

install -D -m 0755 "$aurora" "$root/usr/local/bin/aurora"
install -m 0755 scripts/campaign-systemd/inside.sh scripts/campaign-systemd/forge.py "$root/usr/local/bin/"
rm -rf "$root"/etc/systemd/system/* "$root"/etc/aurora "$root"/var/lib/aurora
: > "$root/etc/machine-id"
for unit in systemd-sysctl systemd-modules-load systemd-udevd systemd-udev-trigger systemd-timesyncd systemd-networkd \
  systemd-resolved systemd-logind getty@tty1 apt-daily.timer apt-daily-upgrade.timer; do
  case $unit in *.timer) ;; *) unit=$unit.service ;; esac
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
cat > "$root/etc/systemd/system/campaign.service" <<'UNIT'
[Unit]
After=basic.target dbus.service
[Service]
Type=oneshot
ExecStart=/usr/local/bin/inside.sh
StandardOutput=file:/campaign.out
StandardError=file:/campaign.err
UNIT
cat > "$root/etc/systemd/system/campaign.target" <<'UNIT'
[Unit]
Requires=basic.target campaign.service
After=basic.target
AllowIsolate=yes
UNIT

began=$(date +%s%N)
unshare --mount --pid --fork --cgroup --ipc --uts --net --kill-child bash -c '
  set -e
  cd "$1"
  mount --make-rprivate /
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  umount -R sys/fs/cgroup 2>/dev/null || true
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mount -t tmpfs tmpfs run
  mount -t tmpfs tmpfs tmp
  mount --rbind /dev dev
  ip link set lo up 2>/dev/null || true
  mount --move . /
  exec env -i container=unshare PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin chroot . bash -c "
    mount --make-rshared /
    exec \"\$0\" --unit=campaign.target --log-target=null --show-status=no" "$2"
' campaign "$root" "$systemd" </dev/null >"$work/boot.log" 2>&1 &
booted=$!
# It does not halt by itself: what it said last is waited for, and then all of its processes end with the namespace.
for _ in $(seq 1200); do
  grep -q '^end' "$root/campaign.out" 2>/dev/null && break
  kill -0 "$booted" 2>/dev/null || break
  sleep 0.2
done
kill -KILL "$booted" 2>/dev/null || true
wait "$booted" 2>/dev/null || true
took=$(( ($(date +%s%N) - began) / 1000000 ))

grep -v '^end' "$root/campaign.out" 2>/dev/null || { printf 'systemd did not come up:\n' >&2; tail -20 "$work/boot.log" >&2; exit 1; }
grep -q '^all as it must be' "$root/campaign.out" || { cat "$root/campaign.err" >&2; exit 1; }
printf 'boot and campaign: %s ms, %s\n' "$took" "$("$systemd" --version | head -1)"
