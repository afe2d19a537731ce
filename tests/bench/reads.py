"""What a read over the agent socket reaches, beside a bare HTTP server of the same stack, an echo and redis."""

from statistics import median

from nodes import VALUE, Mesh, agent, target
from servers import Servers, recorded
from turns import per_second, share, taken

# Held while reads are measured.
SECRETS = 100

# The connections at which a promise is made.
PROMISED = (1, 16)


def measure(bench):
    """All figures of it."""
    with Mesh(bench.binary, bench.directory) as mesh:
        mesh.hold(SECRETS)
        servers = Servers(bench.generators.references, mesh.home)
        try:
            answer = recorded(agent(mesh.follower), target(0))
            sockets = {"bare": servers.serve("http", answer)}
            sockets |= {"follower": agent(mesh.follower), "lead": agent(mesh.lead)}
            for connections in PROMISED:
                for way in ("kept", "anew"):
                    compare(bench, sockets, connections, way)
            paced(bench, sockets, max(PROMISED))
            for connections in PROMISED:
                limits(bench, servers.serve("echo", answer, f"echo{connections}"), connections)
                redis(bench, servers.start_redis() if connections == 1 else servers.redis, connections)
        finally:
            servers.end()


def compare(bench, sockets, connections, way):
    """The node and the bare server, by oha and by the lean client."""
    for client in ("oha", "lean"):
        ask = getattr(bench.generators, client)
        sides = {side: lambda socket=socket: ask(socket, target(0), connections, way)
                 for side, socket in sockets.items()}
        loads = taken(bench.scale.rounds, sides)
        at = {"connections": connections, "way": way, "client": client}
        bench.figures.note("bare_per_second", "/s", per_second(loads["bare"]), **at)
        bench.figures.note("bare_p99", "ms", median(load.p99_ms for load in loads["bare"]), **at)
        for node in ("follower", "lead"):
            here = at | {"node": node}
            bench.figures.note("read_per_second", "/s", per_second(loads[node]), **here)
            bench.figures.note("read_share_of_bare", "ratio", share(loads[node], loads["bare"]), **here)
            bench.figures.note("read_p50", "ms", median(load.p50_ms for load in loads[node]), **here)
            bench.figures.note("read_p99", "ms", median(load.p99_ms for load in loads[node]), **here)


def paced(bench, sockets, connections):
    """How long reads take when half as many come as could, and how long those of the bare server when as many come to it:
    nobody runs a machine full."""
    at = {"connections": connections, "way": "kept", "client": "oha"}
    for node in ("follower", "lead"):
        here = at | {"node": node}
        half = max(1, bench.figures.value("read_per_second", **here) / 2)
        sides = {side: lambda socket=sockets[side]: bench.generators.oha(socket, target(0), connections, a_second=half)
                 for side in ("bare", node)}
        loads = taken(bench.scale.rounds, sides)
        bench.figures.note("bare_p99_at_half", "ms", median(load.p99_ms for load in loads["bare"]), **here)
        bench.figures.note("read_p50_at_half", "ms", median(load.p50_ms for load in loads[node]), **here)
        bench.figures.note("read_p99_at_half", "ms", median(load.p99_ms for load in loads[node]), **here)


def limits(bench, socket, connections):
    """What the socket itself carries, of requests and answers as long as these."""
    loads = [bench.generators.lean(socket, target(0), connections) for _ in range(bench.scale.rounds)]
    bench.figures.note("echo_per_second", "/s", per_second(loads), connections=connections, client="lean")
    bench.figures.note("echo_p99", "ms", median(load.p99_ms for load in loads), connections=connections, client="lean")


def redis(bench, socket, connections):
    """A GET of a value as long, by redis's own generator."""
    loads = [bench.generators.redis(socket, connections, len(VALUE)) for _ in range(bench.scale.rounds)]
    at = {"connections": connections, "client": "redis-benchmark"}
    bench.figures.note("redis_get_per_second", "/s", per_second(loads), **at)
    bench.figures.note("redis_get_p99", "ms", median(load.p99_ms for load in loads), **at)
