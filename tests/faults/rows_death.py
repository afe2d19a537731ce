"""Rows 1 to 10: the process dies, at any moment and at every call."""

import signal
import time

from inject import CALLS, Injected, from_the_start, settled
from node import Trouble, eventually
from operations import OPERATIONS
from rows import row
from workload import Workload

# A round of random kills ends within this time of its first request.
ROUND_SECONDS_MAX = 0.25

# The followers are looked at once in so many rounds: one notices that its lead was killed after 15 s of silence.
ROUNDS_PER_LOOK = 50

# After so many rounds another mesh is begun: each start verifies the whole journal, which only grows.
ROUNDS_PER_MESH = 200

# No operation makes more calls of one kind in one thread; what goes on longer is the node's own rhythm.
CALLS_MAX = 300

# What is asked of the store may still be on its way to the journal or the events when it is answered.
SETTLE_SECONDS = 0.15


@row(quick=15, full=2000)
def fault_01_kill_at_random(place, count):
    """kill -9 of the lead under writers and readers; one in seven while it starts, one in seven twice in a row."""
    during_start = 0
    for number in range(1, count + 1):
        if number % ROUNDS_PER_MESH == 1:
            place.begin_anew()
            lead = place.lead()
            follower = place.follower(lead, "vengeance")
        load = Workload(place.history, lead, [follower], seed=f"{place.seed}.{number}").start()
        time.sleep(place.chance.random() * ROUND_SECONDS_MAX)
        lead.end(signal.SIGKILL)
        load.stop()
        if place.chance.random() < 0.3:
            during_start += killed_while_starting(place, lead)
        lead.start()
        place.history.check(lead)
        if number % ROUNDS_PER_LOOK == 0 or number == count:
            follower.reaches(lead.revision())
            follower.checked()
            place.tell(f"{number + during_start} kills, {place.history.counts}")
    return {"kills": count + during_start, "of them while starting": during_start, **figures(place)}


@row(quick=8, full=200)
def fault_01_kill_of_follower(place, count):
    """kill -9 of a follower under a stream of changes and readers: it never gives out less than it gave before, and has
    everything again; its journal is whole."""
    lead = place.lead()
    follower = place.follower(lead, "vengeance")
    for number in range(1, count + 1):
        load = Workload(place.history, lead, [follower], seed=f"{place.seed}.{number}", pause=0.005).start()
        time.sleep(place.chance.random() * ROUND_SECONDS_MAX)
        follower.end(signal.SIGKILL)
        follower.start()
        load.stop()
        follower.reaches(lead.revision())
        follower.checked()
        if number % ROUNDS_PER_LOOK == 0 or number == count:
            place.history.check(lead)
            place.tell(f"{number} kills, {place.history.counts}")
    return {"kills": count, **figures(place)}


def killed_while_starting(place, lead):
    """Kills a node that has not answered yet, once or twice."""
    times = place.chance.choice([1, 2])
    for _ in range(times):
        lead.launch()
        time.sleep(place.chance.random() * 0.5)
        lead.end(signal.SIGKILL)
    return times


def figures(place):
    """What the clients did."""
    counts = place.history.counts
    return {"acknowledged changes": counts["ok"], "of unknown outcome": counts["unknown"], "reads": counts["read"],
            "broken promises": 0}


@row(quick=1, full=1)
def fault_01_control_older_files(place, count):
    """After a kill the store of a moment before is put back, and then the journal of a moment before: the checks must
    see each, or they see nothing."""
    lead = place.lead()
    some(place, lead, "kept")
    lead.end(signal.SIGTERM)
    files = [lead.state / "store.redb", *(lead.state / "audit").glob("audit-*.jsonl")]
    before = {path: path.read_bytes() for path in files}
    lead.start()
    some(place, lead, "lost")
    lead.end(signal.SIGKILL)
    after = {path: path.read_bytes() for path in before}
    seen = {}
    for path, older in before.items():
        path.write_bytes(older)
        try:
            lead.start()
            place.history.check(lead)
        except Trouble as found:
            seen[path.name.split(".")[0]] = str(found).replace("\n", " ")[:70]
        lead.end(signal.SIGKILL)
        path.write_bytes(after[path])
    if len(seen) != len(before):
        raise Trouble(f"files of a moment before were put back, and only this was seen: {seen}")
    return seen


def some(place, lead, label):
    """Enough changes that a file without them is another file."""
    for number in range(5):
        value = f"{label} {number}"
        secret = place.history.secret("row/key", alone=True)
        place.history.operation("row", secret, "put", value, lambda v=value: lead.put("row/key", v))


def at_every_call(place, slug, limit):
    """Kills the lead at the N-th call of each kind, for N from 1 until the operation is over before that."""
    lead = place.lead()
    follower = place.follower(lead, "vengeance")
    operation = OPERATIONS[slug](place, lead)
    kills, by_kind = 0, {}
    for kind, calls in operation.calls.items():
        for number in range(1, min(limit, CALLS_MAX) + 1):
            operation.prepare()
            with Injected(lead.pid(), calls, f"signal=KILL:when={number}", place.trace()):
                outcome = operation.act()
                over = lead.is_up() and settled(lead, SETTLE_SECONDS) and is_idle(lead, operation)
            if not lead.is_up():
                ended_by(lead, -signal.SIGKILL)
                lead.start()
                kills += 1
                by_kind[kind] = number
            operation.check(outcome)
            place.history.check(lead)
            if over:
                break
    if not kills:
        raise Trouble("nothing was killed: the row shows nothing")
    follower.reaches(lead.revision())
    follower.checked()
    return {"kills": kills, "calls": " ".join(f"{kind}:{number}" for kind, number in by_kind.items()), **figures(place)}


def is_idle(lead, operation):
    """Waits until what was set going is over, or the node is dead."""
    eventually("the operation ends or the node does", lambda: not lead.is_up() or operation.idle())
    return lead.is_up()


def ended_by(node, status):
    """The exit status that is expected, and no other."""
    found = node.ended()
    if found != status:
        raise Trouble(f"{node.name} ended with {found} instead of {status}: {node.last_words()}")


def in_operation(name, slug, sentence):
    """Adds a row that kills the lead at every call of one operation."""
    def work(place, count):
        return at_every_call(place, slug, count)
    work.__name__, work.__doc__ = name, sentence
    row(quick=3, full=300)(work)


in_operation("fault_01_kill_in_put", "put", "kill -9 at every write, synchronisation and packet of a first put.")
in_operation("fault_02_kill_in_new_version", "put_again", "The same in a put of a new version.")
in_operation("fault_03_kill_in_key_rotation", "rotate", "The same in a rotation of a scope key, to the file at its end.")
in_operation("fault_03_kill_in_root_rotation", "rotate_root", "The same in a replacement of the root key.")
in_operation("fault_04_kill_of_lead_in_join", "join", "The same of the lead while a node joins.")
in_operation("fault_05_kill_in_ban", "ban", "The same in a ban, with the new keys it brings.")
in_operation("fault_05_kill_in_delete", "delete", "The same in a deletion.")
in_operation("fault_07_kill_in_snapshot", "snapshot", "The same in a snapshot: what has a snapshot's name restores.")
in_operation("fault_08_kill_in_import", "import", "The same in an import of twenty secrets.")


@row(quick=6, full=200)
def fault_09_kill_in_recovery(place, count):
    """kill -9 at the N-th call of a start that repairs what a kill under load left; then a start that is left alone."""
    lead = place.lead()
    kills = 0
    for number in range(1, count + 1):
        load = Workload(place.history, lead, readers=0, seed=f"{place.seed}.{number}").start()
        time.sleep(place.chance.random() * ROUND_SECONDS_MAX)
        lead.end(signal.SIGKILL)
        load.stop()
        calls = place.chance.choice(["pwrite64", "fdatasync,fsync", "ftruncate", CALLS["name"] + "," + CALLS["gone"]])
        effect = f"signal=KILL:when={1 + number % 12}"
        lead.launch(wrap=from_the_start(calls, effect, place.trace()))
        kills += 1 + is_killed_or_up(lead)
        lead.start()
        place.history.check(lead)
    return {"kills": kills, **figures(place)}


def is_killed_or_up(node):
    """Waits for the one or the other; a node that came up is killed by us."""
    try:
        node.answers()
    except Trouble:
        ended_by(node, -signal.SIGKILL)
        return True
    node.end(signal.SIGKILL)
    return True


@row(quick=6, full=150)
def fault_10_told_to_stop_under_load(place, count):
    """SIGTERM, SIGINT and SIGHUP at random moments: exit code 0, and nothing that was acknowledged is lost."""
    lead = place.lead()
    longest = 0.0
    for number in range(count):
        load = Workload(place.history, lead, seed=f"{place.seed}.{number}").start()
        time.sleep(place.chance.random() * ROUND_SECONDS_MAX)
        began = time.monotonic()
        lead.process.send_signal([signal.SIGTERM, signal.SIGINT, signal.SIGHUP][number % 3])
        ended_by(lead, 0)
        longest = max(longest, time.monotonic() - began)
        load.stop()
        lead.start()
        place.history.check(lead)
    return {"stops": count, "longest": f"{longest:.1f} s", **figures(place)}
