"""How the cost of a read grows: with the secrets held, with connections, with the size of a value."""

from statistics import median

from node import Trouble
from nodes import Mesh, agent, target
from servers import Servers, recorded
from turns import per_second, share, taken

# Connections where something else grows.
CONNECTIONS = 16


def measure(bench):
    """All three curves, on a follower."""
    for curves in (connections_and_sizes, held):
        with Mesh(bench.binary, bench.directory) as mesh:
            servers = Servers(bench.generators.references, mesh.home)
            try:
                mesh.hold(bench.scale.held[0])
                bare = servers.serve("http", recorded(agent(mesh.follower), target(0)))
                curves(bench, mesh, servers, bare)
            finally:
                servers.end()


def connections_and_sizes(bench, mesh, servers, bare):
    """The same read over more and more connections, and of longer and longer values."""
    for connections in bench.scale.connections:
        sides = {"bare": bare, "node": agent(mesh.follower)}
        point(bench, sides, target(0), connections, {"connections": connections})
    for size in bench.scale.sizes:
        value_size(bench, mesh, servers, size)


def point(bench, sockets, wanted, connections, at):
    """One point of a curve; gives what part of the bare server the node reached."""
    sides = {side: lambda socket=socket: bench.generators.oha(socket, wanted, connections)
             for side, socket in sockets.items()}
    loads = taken(bench.scale.rounds, sides)
    part = share(loads["node"], loads["bare"])
    curve = "_".join(["growth", *at])
    bench.figures.note(f"{curve}_per_second", "/s", per_second(loads["node"]), **at)
    bench.figures.note(f"{curve}_bare", "/s", per_second(loads["bare"]), **at)
    bench.figures.note(f"{curve}_p99", "ms", median(load.p99_ms for load in loads["node"]), **at)
    return part


def value_size(bench, mesh, servers, size):
    """A value of this size, beside a bare server that gives as much."""
    where = f"bench/size_{size}"
    mesh.put(where, "v" * size)
    wanted = f"/api/secrets/{where}"
    sockets = {"bare": servers.serve("http", recorded(agent(mesh.follower), wanted), f"bare{size}"),
               "node": agent(mesh.follower)}
    point(bench, sockets, wanted, CONNECTIONS, {"value_bytes": size})


def held(bench, mesh, _, bare):
    """The same read among more and more secrets, drawn by chance. Between two points lie minutes, so what counts is
    what part of the bare server is reached at each."""
    first = None
    for count in bench.scale.held:
        try:
            mesh.hold(count)
        except Trouble as trouble:
            # What was measured before stays in the table.
            bench.failed.append(f"{count} secrets could not be held: {trouble}")
            return
        sockets = {"bare": bare, "node": agent(mesh.follower)}
        part = point(bench, sockets, mesh.addresses(mesh.home / "addresses"), CONNECTIONS, {"secrets": count})
        first = first or part
        bench.figures.note("read_share_of_hundred", "ratio", part / first, secrets=count)
        for node in (mesh.lead, mesh.follower):
            bench.figures.note("held_rss", "MiB", node.resident_kib() / 1024, secrets=count, node=node.name)
