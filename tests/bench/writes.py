"""Changes that are on the disk before they are answered, over HTTP on the admin socket."""

from statistics import median

from nodes import VALUE, Mesh, admin
from turns import per_second

# Alone, and enough that several changes share a commit.
CONNECTIONS = (1, 64)


def measure(bench):
    """Each is the next version of one secret."""
    body = {"service": "bench", "key_name": "value", "key_value": VALUE, "scope": "global"}
    with Mesh(bench.binary, bench.directory) as mesh:
        for connections in CONNECTIONS:
            loads = [bench.generators.oha(admin(mesh.lead), "/api/secrets", connections, body=body)
                     for _ in range(bench.scale.rounds)]
            bench.figures.note("put_per_second", "/s", per_second(loads), connections=connections)
            bench.figures.note("put_p50", "ms", median(load.p50_ms for load in loads), connections=connections)
            bench.figures.note("put_p99", "ms", median(load.p99_ms for load in loads), connections=connections)
