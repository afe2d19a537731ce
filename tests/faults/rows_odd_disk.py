"""Rows 24 to 28: a disk that writes half, is slow or turns read-only, calls that are interrupted, and files that are not what
they were."""

import collections
import signal
import time

from inject import Injected, settled
from node import Trouble
from rows import row
from rows_disk import CHANGES, UNFIT, came_up_or_refused, read, some_changes
from rows_power import disk_of
from workload import Workload

# Calls that may be interrupted, as they are traced.
GROUPS = ("pwrite64", "fdatasync,fsync", "sendmsg,sendmmsg,recvmsg,recvmmsg")


@row(quick=20, full=300)
def fault_24_short_writes(place, count):
    """Every third write takes three bytes, and every other call that may be interrupted is: everything is there and
    equal."""
    weather = place.weather() | {"WEATHER_SHORT": "3"}
    lead = place.node("aurora").init().start(more=weather)
    for number in range(count):
        if some_changes(place, lead, f"short {number}") != ["ok"] * CHANGES:
            raise Trouble(f"a short write was no success: {lead.last_words()}")
    place.history.check(lead)
    lead.end(signal.SIGTERM)
    lead.start()
    place.history.check(lead)
    return {"changes": count * CHANGES, "lost or different": 0}


@row(quick=2, full=20)
def fault_24_interrupted_calls(place, count):
    """EINTR at every third write, synchronisation and packet: nobody notices. (Connections and event counters do not
    block, and what does not block is never interrupted.)"""
    lead = place.lead()
    follower = place.follower(lead, "vengeance")
    struck = 0
    for calls in GROUPS:
        with Injected(lead.pid(), calls, "error=EINTR:when=2+3", place.trace()) as fault:
            for number in range(count):
                if some_changes(place, lead, f"interrupted {calls} {number}") != ["ok"] * CHANGES:
                    raise Trouble(f"EINTR of {calls} was taken for a failure: {lead.last_words()}")
            struck += len(fault.hits())
        follower.reaches(lead.revision())
        place.history.check(lead)
    if not struck:
        raise Trouble("nothing was interrupted")
    return {"interruptions": struck, "changes": len(GROUPS) * count * CHANGES, "failed": 0}


@row(quick=1, full=10)
def fault_25_read_only(place, count):
    """The file system turns read-only under load: nothing is acknowledged or given out that is not written down;
    after a repair and one start everything is there."""
    disk = disk_of(place)
    lead = place.node("aurora", state=disk.place / "aurora").init().start()
    codes, given_out = collections.Counter(), 0
    for number in range(count):
        load = Workload(place.history, lead, seed=f"{place.seed}.{number}", pause=0.005).start()
        time.sleep(0.2)
        disk.break_down()
        settled(lead, 0.5)
        load.stop()
        before = place.history.counts["ok"]
        some_changes(place, lead, f"read-only {number}")
        if place.history.counts["ok"] != before:
            raise Trouble("a change was acknowledged on a file system that takes no writes")
        codes[read(lead)] += 1
        lead.end(signal.SIGTERM)
        disk.unmount()
        disk.repair()
        disk.mount()
        lead.start()
        place.history.check(lead)
    if codes["200"]:
        raise Trouble(f"{codes['200']} values were given out without a line in the journal")
    return {"times": count, "reads meanwhile": dict(codes), "values given out unwritten": given_out}


@row(quick=3, full=20)
def fault_26_slow_disk(place, count):
    """Every synchronisation of the lead takes 200 ms: heartbeats go on, the follower stays fresh, its reads are as
    fast."""
    lead = place.lead()
    some_changes(place, lead, "before")
    follower = place.follower(lead, "vengeance")
    before = reads(follower, 200)
    silent = 0
    with Injected(lead.pid(), "fdatasync,fsync", "delay_enter=200000", place.trace()) as fault:
        load = Workload(place.history, lead, seed=place.seed, clients=4, readers=0).start()
        during = []
        for _ in range(count):
            during += reads(follower, 20)
            silent = max(silent, follower.get("/health").json()["lead_last_heard_ms"])
            time.sleep(0.2)
        load.stop()
        if not fault.hits():
            raise Trouble("no synchronisation was slow")
    if silent > 5000:
        raise Trouble(f"the follower heard nothing for {silent} ms while the disk was slow")
    place.history.check(lead)
    return {"acknowledged": place.history.counts["ok"], "longest silence": f"{silent} ms",
            "read p99 before": milliseconds(before), "during": milliseconds(during)}


def reads(node, count):
    """How long reads of one value take, in seconds."""
    took = []
    for _ in range(count):
        began = time.monotonic()
        answer = node.get("/api/secrets/row/key")
        if answer.status != 200:
            raise Trouble(f"{node.name} does not answer: {answer}")
        took.append(time.monotonic() - began)
    return took


def milliseconds(took, share=0.99):
    """A percentile, for people."""
    return f"{sorted(took)[int(len(took) * share)] * 1000:.1f} ms"


@row(quick=1, full=3)
def fault_27_store_removed_or_replaced(place, count):
    """The store is deleted, emptied, cut in half or zeroed while the node is down: it is never begun
    anew."""
    lead = place.lead()
    some_changes(place, lead, "kept")
    lead.end(signal.SIGTERM)
    store = lead.state / "store.redb"
    whole = store.read_bytes()
    refused = 0
    for content in (None, b"", whole[: len(whole) // 2], bytes(len(whole))):
        store.unlink(missing_ok=True)
        if content is not None:
            store.write_bytes(content)
        lead.launch()
        refused += not came_up_or_refused(lead)
    if refused != 4:
        raise Trouble(f"a node started from a store that is none: {lead.last_words()}")
    store.write_bytes(whole)
    store.chmod(0o600)
    lead.start()
    place.history.check(lead)
    return {"refused": refused, "begun anew": 0}


@row(quick=1, full=5)
def fault_28_second_process(place, count):
    """A second node on the same files, also while the first is stopped by a signal: refused, and the first is none
    the worse."""
    lead = place.lead()
    some_changes(place, lead, "before")
    for number in range(count):
        lead.process.send_signal(signal.SIGSTOP)
        ended = lead.run(["up", "--config", lead.config], within=60)
        lead.process.send_signal(signal.SIGCONT)
        if ended.returncode != UNFIT:
            raise Trouble(f"a second process ended with {ended.returncode}: {ended.stderr.decode()}")
        if some_changes(place, lead, f"first {number}") != ["ok"] * CHANGES:
            raise Trouble("the first process suffers from the second")
    place.history.check(lead)
    return {"second processes": count, "refused": count}
