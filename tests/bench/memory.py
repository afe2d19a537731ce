"""What a follower holds in memory and on the disk, and how soon it answers after it was started."""

import os
import signal
import subprocess
import time
from statistics import median

from ask import Unknown, Unreached
from node import eventually
from nodes import Mesh, name, target

# Secrets of the small follower.
FEW = 100

# A node is idle when its memory has not changed for so long.
STILL = 3.0


def measure(bench):
    """Memory of a follower as it is after a start, the size of the binary, and the start itself."""
    bench.figures.note("binary", "MB", os.path.getsize(bench.binary) / 1e6)
    with Mesh(bench.binary, bench.directory) as mesh:
        few = idle(bench, mesh, FEW)
        many = idle(bench, mesh, bench.scale.cached)
        bench.figures.note("memory_per_secret", "B", (many - few) * 1024 / (bench.scale.cached - FEW))
        starts = [started(mesh.follower) for _ in range(min(10, bench.scale.starts))]
        bench.figures.note("start_to_first_read", "ms", median(starts), secrets=bench.scale.cached)
        commands(bench, mesh)


def idle(bench, mesh, count):
    """KiB of a follower that holds so many, received while it ran, and after a new start; gives the latter."""
    mesh.hold(count)
    bench.figures.note("follower_received", "MiB", settled(mesh.follower) / 1024, secrets=count)
    started(mesh.follower)
    kib = settled(mesh.follower)
    bench.figures.note("follower_idle", "MiB", kib / 1024, secrets=count)
    return kib


def settled(node):
    """Memory once it does not change any more."""
    seen = [node.resident_kib(), time.monotonic()]

    def look():
        now = node.resident_kib()
        if now != seen[0]:
            seen[:] = [now, time.monotonic()]
        return time.monotonic() - seen[1] > STILL
    eventually(f"the memory of {node.name} is still", look, 120, 0.1)
    return seen[0]


def started(node):
    """Milliseconds from exec to the first value."""
    node.end(signal.SIGTERM)
    began = time.monotonic()
    node.launch()

    def look():
        try:
            return node.get(target(0)).status == 200
        except (Unreached, Unknown):
            return False
    eventually("the first read is answered", look, 120, 0.0005)
    return (time.monotonic() - began) * 1000


def commands(bench, mesh):
    """The whole life of `aurora get`, beside that of `true`, in turns."""
    environment = mesh.follower.environment({})
    wanted = {"true_process": ["true"], "get_process": [mesh.follower.binary, "get", name(0)]}
    took = {figure: [] for figure in wanted}
    for _ in range(bench.scale.starts):
        for figure, command in wanted.items():
            began = time.monotonic()
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
            took[figure].append((time.monotonic() - began) * 1000)
    for figure, times in took.items():
        bench.figures.note(figure, "ms", median(times))
