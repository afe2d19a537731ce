"""A network of the kernel's own for a mesh: each node in a network namespace, all on one bridge, and nftables to cut
them off or to lose packets. Nothing outside the namespaces is changed."""

import os
import shutil
import subprocess

from disk import must
from rows import NotHere


class Network:
    """A bridge in a namespace, and a namespace for each node. The first has the address 10.99.0.1."""

    def __init__(self, names):
        for tool in ("ip", "nft", "nsenter"):
            if shutil.which(tool) is None:
                raise NotHere(f"{tool} is missing: install iproute2 and nftables")
        self.prefix = f"af{os.getpid()}"
        self.spaces = {name: f"{self.prefix}-{name}" for name in ["hub", *names]}
        self.addresses = {name: f"10.99.0.{number}" for number, name in enumerate(names, 1)}
        try:
            self.build(names)
        except OSError as error:
            self.remove()
            raise NotHere(f"no network namespaces: {error}") from error

    def build(self, names):
        """Makes the bridge and plugs every node in."""
        for space in self.spaces.values():
            must("ip", "netns", "add", space)
        hub = self.spaces["hub"]
        must("ip", "-n", hub, "link", "add", "bridge", "type", "bridge")
        must("ip", "-n", hub, "link", "set", "bridge", "up")
        for number, name in enumerate(names, 1):
            own, port = self.spaces[name], f"port{number}"
            must("ip", "link", "add", port, "netns", hub, "type", "veth", "peer", "name", "eth0", "netns", own)
            must("ip", "-n", hub, "link", "set", port, "master", "bridge", "up")
            must("ip", "-n", own, "address", "add", f"{self.addresses[name]}/24", "dev", "eth0")
            must("ip", "-n", own, "link", "set", "eth0", "up")
            must("ip", "-n", own, "link", "set", "lo", "up")

    def inside(self, name):
        """What is put before a command so that it runs there. (`ip netns exec` would also copy every mount of the
        machine.)"""
        return ["nsenter", f"--net=/run/netns/{self.spaces[name]}"]

    def rules(self, name, *rules):
        """What is dropped of what arrives at a node; without rules nothing is."""
        lines = ["flush ruleset", "table inet weather {", "chain arriving {", "type filter hook input priority 0;",
                 *rules, "}", "}"]
        ended = subprocess.run([*self.inside(name), "nft", "-f", "-"], input="\n".join(lines), text=True,
                               capture_output=True)
        if ended.returncode != 0:
            raise NotHere(f"nft: {ended.stderr.strip()[:200]}")

    def lose(self, name, percent):
        """Of each hundred packets that arrive there so many are lost."""
        self.rules(name, f"meta l4proto udp numgen random mod 100 < {percent} counter drop")

    def deafen(self, name, sender):
        """Nothing that `sender` sends arrives there any more; the other direction is as it was."""
        self.rules(name, f"ip saddr {self.addresses[sender]} counter drop")

    def heal(self):
        """Everything arrives again."""
        for name in self.addresses:
            self.rules(name)

    def dropped(self, name):
        """Packets that a rule dropped there."""
        told = subprocess.run([*self.inside(name), "nft", "list", "ruleset"], capture_output=True, text=True).stdout
        return sum(int(line.split("packets ")[1].split()[0]) for line in told.splitlines() if "packets " in line)

    def remove(self):
        """Takes the namespaces away, and what is in them with them."""
        for space in self.spaces.values():
            subprocess.run(["ip", "netns", "delete", space], capture_output=True)
