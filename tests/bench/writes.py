"""Changes that are on the disk before they are answered, over HTTP on the admin socket."""

import json
from statistics import median

from nodes import Mesh, admin
from turns import per_second

# Values of which one is drawn for each change: the one that is there already, and would change nothing, once in so many.
VALUES = 10_000

# Alone, and enough that several changes share a commit.
CONNECTIONS = (1, 64)


def measure(bench):
    """Each is the next version of one secret."""
    with Mesh(bench.binary, bench.directory) as mesh:
        bodies = mesh.home / "bodies"
        bodies.write_text("".join(body(number) + "\n" for number in range(VALUES)), encoding="utf-8")
        for connections in CONNECTIONS:
            loads = [bench.generators.oha(admin(mesh.lead), "/api/secrets", connections, bodies=bodies)
                     for _ in range(bench.scale.rounds)]
            bench.figures.note("put_per_second", "/s", per_second(loads), connections=connections)
            bench.figures.note("put_p50", "ms", median(load.p50_ms for load in loads), connections=connections)
            bench.figures.note("put_p99", "ms", median(load.p99_ms for load in loads), connections=connections)


def body(number):
    """One change, with a value of fifty bytes."""
    return json.dumps({"service": "bench", "key_name": "value", "key_value": f"not-a-real-key-{number:035}",
                       "scope": "global"})
