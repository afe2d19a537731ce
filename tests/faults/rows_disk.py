"""Rows 20 to 28: a disk that is full, fails, is slow, writes half, or turns read-only."""

import collections
import re
import signal
import time

from ask import Unknown, Unreached
from inject import Injected, from_the_start, hits, settled
from node import Trouble, eventually
from rows import row
from rows_power import disk_of
from workload import Workload

# The file a traced call was about.
FILE = re.compile(r"/([^/<>]+)>")

# A node that cannot go on is gone within this time; THREATS asks for a clean end, not for a fast one.
EXIT_WITHIN = 20.0

# What a node that stops because it is unfit gives to the service manager.
UNFIT = 1

# Changes asked for while a fault lasts.
CHANGES = 4


def some_changes(place, lead, label):
    """A few puts, one after the other, and what came of each."""
    secret = place.history.secret("row/key", alone=True)
    outcomes = []
    for number in range(CHANGES):
        value = f"{label} {number}"
        outcomes.append(place.history.operation("row", secret, "put", value, lambda v=value: lead.put("row/key", v)))
    return outcomes


def comes_back(place, lead):
    """The service manager starts a node that has ended; then everything is as promised, and changes are made again."""
    if not lead.is_up():
        ended_unfit(lead)
        lead.start()
    eventually("changes are made again", lambda: some_changes(place, lead, "after")[-1] == "ok", 60, 0.3)
    place.history.check(lead)


def ended_unfit(node):
    """The exit code of a node that stopped itself, and no panic."""
    found = node.ended()
    if found != UNFIT:
        raise Trouble(f"{node.name} ended with {found}: {node.last_words()}")
    node.calm()


def files_of(lead):
    """The files a lead writes."""
    journal = sorted((lead.state / "audit").glob("audit-*.jsonl"))[-1]
    return {"store": lead.state / "store.redb", "journal": journal, "events": lead.state / "events.redb"}


@row(quick=3, full=14)
def fault_20_no_space_at_nth_write(place, count):
    """ENOSPC from the N-th write on, and freed again: refused or unknown, never half; goes on by itself or with one
    start."""
    lead = place.lead()
    outcomes, ends = collections.Counter(), 0
    for number in range(1, count + 1):
        effect = f"error=ENOSPC:when={number}+"
        with Injected(lead.pid(), "pwrite64,ftruncate,fallocate", effect, place.trace()) as fault:
            outcomes.update(some_changes(place, lead, f"full {number}"))
            settled(lead, 0.3)
            hit = fault.hits()
        if not hit:
            raise Trouble("no write failed: the row shows nothing")
        ends += not lead.is_up()
        comes_back(place, lead)
    return {"points": count, "changes": dict(outcomes), "stopped itself": ends}


@row(quick=3, full=14)
def fault_20_write_fails_once(place, count):
    """EIO at the N-th write of the store, of the journal and of the events: what was acknowledged stays, and all goes
    on, by itself or with one start."""
    lead = place.lead()
    some_changes(place, lead, "before")
    told = {}
    for name, path in files_of(lead).items():
        failed, ends = 0, 0
        for number in range(1, count + 1):
            with Injected(lead.pid(), "pwrite64,write", f"error=EIO:when={number}", place.trace(), [path]) as fault:
                some_changes(place, lead, f"{name} {number}")
                settled(lead, 0.3)
                failed += bool(fault.hits())
            ends += not lead.is_up()
            comes_back(place, lead)
        if not failed:
            raise Trouble(f"no write of the {name} failed: the row shows nothing")
        told[name] = f"{failed} failed, {ends} ends"
    return told


@row(quick=1, full=10)
def fault_22_fsync_of_follower_fails(place, count):
    """One fsync of a follower's store fails while it takes changes: it ends, and has everything after one start."""
    lead = place.lead()
    follower = place.follower(lead, "vengeance")
    failed, ends = 0, 0
    for number in range(1, count + 1):
        path = follower.state / "store.redb"
        with Injected(follower.pid(), "fsync,fdatasync", f"error=EIO:when={number}", place.trace(), [path]) as fault:
            for _ in range(1 + number // 2):
                some_changes(place, lead, f"to a follower {number}")
            settled(follower, 3)
            failed += bool(fault.hits())
        if not follower.is_up():
            ends += 1
            ended_unfit(follower)
            follower.start()
        follower.reaches(lead.revision())
        follower.checked()
    place.history.check(lead)
    if not failed or ends != failed:
        raise Trouble(f"{failed} synchronisations failed, the follower ended {ends} times: {follower.last_words()}")
    return {"failed": failed, "ends": ends}


@row(quick=1, full=8)
def fault_20_full_disk(place, count):
    """A file system of 16 MiB is filled to the last block under load, it is started on it, killed or
    not, and then there is room again."""
    disk = disk_of(place, mebibytes=16)
    lead = place.node("aurora", state=disk.place / "aurora").init().start()
    codes, starts, ends = collections.Counter(), collections.Counter(), 0
    for number in range(count):
        load = Workload(place.history, lead, seed=f"{place.seed}.{number}", pause=0.005).start()
        time.sleep(0.2)
        ballast = disk.fill()
        eventually("somebody is refused", lambda: refused_for_space(lead, codes), 30)
        load.stop()
        settled(lead, 1.0)
        ends += not lead.is_up()
        if number % 2:
            lead.end(signal.SIGKILL)
        if not lead.is_up():
            came_up = came_up_or_refused(lead.launch())
            starts["started on the full disk" if came_up else "refused to start on it"] += 1
            if not came_up:
                place.tell(lead.last_words().strip().splitlines()[-1])
        codes[asked(lead)] += 1
        ballast.unlink()
        comes_back(place, lead)
    return {"times full": count, "answers while full": dict(codes), "stopped itself": ends, **starts}


def refused_for_space(lead, codes):
    """Whether a change is refused, by a node that is there or not."""
    told = asked(lead)
    codes[told] += 1
    return told != "200"


def asked(lead):
    """What a change is answered."""
    try:
        answer = lead.put("space/key", str(time.monotonic()))
    except (Unknown, Unreached):
        return "nobody there"
    return str(answer.code() or answer.status)


@row(quick=2, full=8)
def fault_22_fsync_fails_once(place, count):
    """One fsync fails and the next would succeed, as on Linux: of the store, nothing is acknowledged after it, and
    the node ends; of the journal, its lines are written again before anybody is answered; of the events, they are
    told again."""
    lead = place.lead()
    some_changes(place, lead, "before")
    told = {}
    for name, path in files_of(lead).items():
        failed, ends, refused = 0, 0, 0
        for number in range(1, count + 1):
            with Injected(lead.pid(), "fsync,fdatasync", f"error=EIO:when={number}", place.trace(), [path]) as fault:
                outcomes = [changed_under(place, lead, fault, f"{name} {number}.{turn}") for turn in range(CHANGES)]
                settled(lead, 0.3)
                hit = bool(fault.hits())
            failed += hit
            if name == "store" and hit:
                nothing_after(outcomes)
                settled(lead, EXIT_WITHIN)
            ends += not lead.is_up()
            refused += sum(outcome != "ok" for outcome, _ in outcomes)
            comes_back(place, lead)
        if not failed or (name == "store" and ends != failed):
            raise Trouble(f"{name}: {failed} synchronisations failed, the node ended {ends} times: {lead.last_words()}")
        told[name] = f"{failed} failed, {ends} ends, {refused} changes not acknowledged"
    return told


def changed_under(place, lead, fault, label):
    """One put, and whether the fault had struck when it was over."""
    secret = place.history.secret("row/key", alone=True)
    outcome = place.history.operation("row", secret, "put", label, lambda: lead.put("row/key", label))
    return outcome, bool(fault.hits())


def nothing_after(outcomes):
    """Neither the change in which the store's fsync failed nor any after it is acknowledged."""
    struck = [outcome for outcome, hit in outcomes if hit]
    if "ok" in struck:
        raise Trouble(f"acknowledged after a failed fsync of the store: {outcomes}")


@row(quick=4, full=40)
def fault_23_read_fails_at_start(place, count):
    """EIO at the N-th read of a start: never taken for an empty store. The node does not start, or has everything."""
    lead = place.lead()
    some_changes(place, lead, "before")
    place.history.check(lead)
    lead.end(signal.SIGKILL)
    refused, started = 0, 0
    for calls in ("pread64", "read"):
        for number in range(1, count + 1):
            store = lead.state / "store.redb"
            size = store.stat().st_size
            paths = [store, lead.state / "events.redb", *sorted((lead.state / "audit").glob("*.jsonl"))]
            trace = place.trace()
            lead.launch(wrap=from_the_start(calls, f"error=EIO:when={number}", trace, paths))
            came_up = came_up_or_refused(lead)
            struck = any("EIO" in line for line in hits(trace))
            started += came_up
            refused += not came_up
            if came_up and read(lead) in ("404", "not_found"):
                raise Trouble(f"what could not be read was taken for absent: {lead.last_words()}")
            if came_up:
                lead.end(signal.SIGKILL)
                lead.start()
                place.history.check(lead)
                lead.end(signal.SIGKILL)
            elif store.stat().st_size < size:
                raise Trouble(f"the store became smaller by a start that could not read it: {lead.last_words()}")
            if not struck:
                break
    lead.start()
    place.history.check(lead)
    if not refused:
        raise Trouble("no read that failed kept the node from starting: the row shows nothing")
    return {"starts refused": refused, "starts with everything there": started, "stores taken for empty": 0}


def came_up_or_refused(node):
    """Whether it answers; one that does not has said why, with the code of a failure."""
    try:
        node.answers()
        return True
    except Trouble:
        if node.is_up():
            raise
        ended_unfit(node)
        return False


def read(lead):
    """What a read is answered."""
    try:
        answer = lead.get("/api/secrets/row/key")
    except (Unknown, Unreached):
        return "nobody there"
    return str(answer.code() or answer.status)
