"""Rows 6 and 8: a node dies while it goes back to a snapshot, or while a follower becomes the lead by one.

Whatever was killed, the node starts, and holds what it held or all of the other; the same command again ends well. What
was read before is never read older, and who was thrown out stays out."""

import signal

from inject import CALLS, killed_at
from node import Node, Trouble, eventually, free_port
from rows import row

# The calls by which a command that replaces a store leaves something behind.
REPLACING = ("write,pwrite64", "fsync,fdatasync", CALLS["length"], CALLS["name"] + ",mkdir,mkdirat", CALLS["gone"])

# A secret whose value at the snapshot and later is known.
SECRET = "life/key"


def version_of(node):
    """The version a node gives out, and the value."""
    told = eventually(f"{node.name} reads", lambda: read(node))
    return told["version"], told["key_value"]


def read(node):
    """What a node gives out, or nothing if it refuses."""
    answer = node.get(f"/api/secrets/{SECRET}")
    return answer.json() if answer.status == 200 else None


def saved(lead, path):
    """A snapshot of the lead as it is now."""
    ended = lead.run(["snapshot", "save", path, "--socket", lead.sockets / "admin.sock"])
    if ended.returncode != 0:
        raise Trouble(f"snapshot save: {ended.stderr.decode()}")
    return path


def to_its_end(node, command):
    """The same command again, which nobody kills."""
    ended = node.run(command)
    if ended.returncode != 0:
        raise Trouble(f"again, and then: {ended.stderr.decode()[-600:]}")


# The rename that puts the new store into its place is the third name that is given.
@row(quick=3, full=200)
def fault_08_kill_in_restore(place, count):
    """kill -9 of `aurora snapshot restore` at every call that writes or names a file; the lead starts, and then the same
    command goes to its end."""
    lead = place.lead()
    follower = place.follower(lead, "vengeance")
    lead.put(SECRET, "early")
    snapshot = saved(lead, place.home / "early.aurora-snapshot")
    banned = Node(lead.binary, place.home, "out").join(lead.token("out"))
    lead.told("POST", f"/api/nodes/{banned.name}/ban", {"reason": "a fault"})
    restore = ["snapshot", "restore", snapshot, "--config", lead.config, "--yes"]
    kills, undone = 0, 0
    for calls in REPLACING:
        for number in range(1, count + 1):
            late = f"late {kills}"
            promised = lead.put(SECRET, late).json()["version"]
            lead.end(signal.SIGTERM)
            done = lead.run(restore, wrap=killed_at(place.trace(), calls, number)).returncode == 0
            kills += not done
            lead.start()
            version, value = version_of(lead)
            if (version, value) != (promised, late) and not (version > promised and value == "early"):
                raise Trouble(f"killed at the {number}. of {calls}: version {version} is {value} after {promised}")
            undone += value == late
            lead.end(signal.SIGTERM)
            to_its_end(lead, restore)
            goes_on(place, lead, follower, version)
            if done:
                break
    if not undone or undone == kills:
        raise Trouble(f"{undone} of {kills} kills came before the new store had its place: all or none is too good")
    return {"kills": kills, "of them before the new store had its place": undone, "second tries that failed": 0}


def goes_on(place, lead, follower, version):
    """A lead that was restored: the value of the snapshot under a number that nobody had, for its followers, too."""
    lead.start()
    found, value = version_of(lead)
    if found < version or value != "early":
        raise Trouble(f"restored to version {found}, {value}, after {version}")
    standing = {node["name"]: node["standing"] for node in lead.told("GET", "/api/nodes")["nodes"]}
    if standing["out"] != "banned":
        raise Trouble(f"a restore let a banned node in: {standing}")
    follower.reaches(lead.revision())
    eventually("the follower has it", lambda: version_of(follower) == (found, "early"))
    lead.checked()
    follower.checked()
    for kept in lead.state.glob("store.redb.before-restore-*"):
        kept.unlink()
    strange = [path.name for path in lead.state.glob("store.redb.*")]
    if strange:
        raise Trouble(f"a restore left {strange}")
    place.tell(f"version {found}")


@row(quick=1, full=200)
def fault_06_kill_in_promotion(place, count):
    """kill -9 of `aurora promote` on a follower at every call that writes or names a file; the node starts as what it
    was or as the lead, and then the same command goes to its end."""
    kills, undone, half_done = 0, 0, 0
    for calls in REPLACING:
        for number in range(1, count + 1):
            place.begin_anew()
            lead = place.lead()
            follower = place.follower(lead, "vengeance")
            lead.put(SECRET, "early")
            snapshot = saved(lead, place.home / "early.aurora-snapshot")
            late = lead.put(SECRET, "late").json()
            follower.reaches(late["revision"])
            lead.end(signal.SIGKILL)
            follower.end(signal.SIGTERM)
            address = f"127.0.0.1:{free_port()}"
            promote = ["promote", "--snapshot", snapshot, "--key-file", lead.state / "unseal.key", "--listen", address,
                       "--advertise", address, "--config", follower.config, "--trust-members", "--yes"]
            done = follower.run(promote, wrap=killed_at(place.trace(), calls, number)).returncode == 0
            kills += not done
            found = what_it_is(follower, late["version"])
            undone += found == "follower"
            half_done += found == "neither"
            follower.end(signal.SIGTERM)
            leads(follower, promote, late["version"], found)
            if done:
                break
        place.tell(f"{kills} kills, {undone} of them before the new store had its place")
    return {"kills": kills, "of them before the new store had its place": undone,
            "between that and the new node.toml": half_done, "second tries that failed": 0}


def what_it_is(node, late):
    """Starts a follower whose promotion was killed: it is what it was, or the lead, or it refuses and says what to do."""
    try:
        node.start()
    except Trouble as refused:
        if "run the same `aurora promote` again" not in str(refused):
            raise
        return "neither"
    version, value = version_of(node)
    if (version, value) == (late, "late"):
        return "follower"
    if version > late and value == "early":
        return "lead"
    raise Trouble(f"version {version} is {value} after {late}")


def leads(node, promote, late, found):
    """The command again makes it the lead, or says that it is; it takes changes."""
    ended = node.run(promote)
    said = ended.stderr.decode()
    if ended.returncode != 0 and not (found == "lead" and "this node is a lead already" in said):
        raise Trouble(f"again, and then: {said[-600:]}")
    node.start()
    put = node.put(SECRET, "after")
    if put.status != 200 or put.json()["version"] <= late:
        raise Trouble(f"a promoted follower takes no change, or gives a number twice: {put} after {late}")
    node.checked()
