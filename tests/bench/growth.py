"""How the cost of a read grows: with the secrets held, with connections, with the size of a value."""

from nodes import Mesh, agent, target
from servers import Servers, recorded
from turns import per_second, share, taken

# Connections where something else grows.
CONNECTIONS = 16


def measure(bench):
    """All three curves, on a follower."""
    with Mesh(bench.binary, bench.directory) as mesh:
        servers = Servers(bench.generators.references, mesh.home)
        try:
            mesh.hold(bench.scale.held[0])
            bare = servers.serve("http", recorded(agent(mesh.follower), target(0)))
            for connections in bench.scale.connections:
                sides = {"bare": bare, "node": agent(mesh.follower)}
                point(bench, sides, target(0), connections, {"connections": connections})
            for size in bench.scale.sizes:
                value_size(bench, mesh, servers, size)
            held(bench, mesh, bare)
        finally:
            servers.end()


def point(bench, sockets, wanted, connections, at):
    """One point of a curve; gives what part of the bare server the node reached."""
    sides = {side: lambda socket=socket: bench.generators.oha(socket, wanted, connections)
             for side, socket in sockets.items()}
    loads = taken(bench.scale.rounds, sides)
    part = share(loads["node"], loads["bare"])
    curve = "_".join(["growth", *at])
    bench.figures.note(f"{curve}_per_second", "/s", per_second(loads["node"]), **at)
    bench.figures.note(f"{curve}_bare", "/s", per_second(loads["bare"]), **at)
    bench.figures.note(f"{curve}_p99", "ms", sorted(load.p99_ms for load in loads["node"])[len(loads["node"]) // 2], **at)
    return part


def value_size(bench, mesh, servers, size):
    """A value of this size, beside a bare server that gives as much."""
    where = f"bench/size_{size}"
    mesh.put(where, "v" * size)
    wanted = f"/api/secrets/{where}"
    sockets = {"bare": servers.serve("http", recorded(agent(mesh.follower), wanted), f"bare{size}"),
               "node": agent(mesh.follower)}
    point(bench, sockets, wanted, CONNECTIONS, {"value_bytes": size})


def held(bench, mesh, bare):
    """The same read among more and more secrets, drawn by chance. Between two points lie minutes, so what counts is
    what part of the bare server is reached at each."""
    first = None
    for count in bench.scale.held:
        mesh.hold(count)
        sockets = {"bare": bare, "node": agent(mesh.follower)}
        part = point(bench, sockets, mesh.addresses(mesh.home / "addresses"), CONNECTIONS, {"secrets": count})
        first = first or part
        bench.figures.note("read_share_of_hundred", "ratio", part / first, secrets=count)
        bench.figures.note("held_follower_rss", "MiB", mesh.follower.resident_kib() / 1024, secrets=count)
