"""Row 14: the power goes, and what was not on the disk is gone. With its controls, which must find the loss."""

import collections
import signal
import subprocess
import threading
import time

from disk import Disk
from history import History
from node import Trouble, eventually
from operations import OPERATIONS
from rows import NotHere, row
from workload import Workload

# A file system that was cut this often is made anew, so that no damage of its own piles up.
CUTS_PER_DISK = 100

# The power goes within this time of the first acknowledged change of a round.
ROUND_SECONDS_MAX = 0.4

# An operation is over within this time, more or less; the power goes within it.
OPERATION_SECONDS = 0.25

# Cuts of a control; a disk that forgets loses something in the first few.
CONTROL_CUTS = 12


def disk_of(place, mebibytes=64):
    """A mounted image that goes with the row."""
    try:
        disk = Disk(place.home / "disk.img", place.home / "disk", mebibytes).mount()
    except (OSError, subprocess.SubprocessError) as error:
        raise NotHere(f"no ext4 on a loop device: {error}") from error
    place.leaving.insert(0, disk.remove)
    return disk


def members_on(place, disk, strict):
    """A lead and a follower whose state is on the disk."""
    lead = place.node("aurora", state=disk.place / "aurora").init()
    if strict:
        lead.configure('durability = "batched"', 'durability = "strict"')
    lead.start()
    follower = place.node("vengeance", state=disk.place / "vengeance").join(lead.token("vengeance"))
    if strict:
        follower.configure('durability = "batched"', 'durability = "strict"')
    follower.start()
    follower.reaches(lead.revision())
    return lead, follower


def cut_under_load(place, disk, members, label, more=None):
    """Cuts the power of the nodes under writers and readers, and starts them on what is left on their disk."""
    lead, *followers = members
    load = Workload(place.history, lead, followers, seed=label).start()
    done = place.history.counts["ok"]
    eventually("something is acknowledged", lambda: load.trouble or place.history.counts["ok"] > done)
    time.sleep(place.chance.random() * ROUND_SECONDS_MAX)
    power_goes(place, disk, members)
    load.stop()
    power_returns(place, disk)
    for node in members:
        node.start(more=more)


def power_goes(place, disk, members):
    """The power goes, for the disk and for the nodes. What a node answers from here on it answers to nobody: ext4
    tells a caller that waits in fsync while its file system is shut down now and then that all is well."""
    place.history.goes_dark()
    disk.cut()
    for node in members:
        node.end(signal.SIGKILL)


def power_returns(place, disk):
    """The disk is there again, with what had reached it."""
    disk.unmount()
    disk.mount()
    place.history.dark = False


def cuts(place, count, strict):
    """Many cuts; after each everything that was promised is there."""
    disk = disk_of(place)
    members = members_on(place, disk, strict)
    lead = members[0]
    journalled = 0
    for number in range(1, count + 1):
        cut_under_load(place, disk, members, f"{place.seed}.{number}")
        place.history.check(lead)
        members[1].checked()
        if strict:
            journalled += place.history.check_journal(members)
        if number % 50 == 0:
            place.tell(f"{number} cuts, {place.history.counts}")
        if number % CUTS_PER_DISK == 0 and number != count:
            disk, members, lead = renewed(place, disk, members, strict)
    counts = place.history.counts
    told = {"cuts": count, "acknowledged changes": counts["ok"], "of unknown outcome": counts["unknown"],
            "reads": counts["read"], "acknowledged and lost": 0}
    return told | ({"reads that the journal has": journalled} if strict else {})


def renewed(place, disk, members, strict):
    """Another disk, another mesh, and a history that begins with it; the counts go on."""
    for node in members:
        node.end(signal.SIGKILL)
    disk.unmount()
    disk.make()
    disk.mount()
    counts = place.history.counts
    place.history.file.close()
    place.history = History(place.home / "history.jsonl")
    place.history.counts = counts
    for node in members:
        node.config.unlink()
    members = members_on(place, disk, strict)
    return disk, members, members[0]


@row(quick=4, full=350)
def fault_14_power_cut(place, count):
    """The power of a lead and a follower goes under load: every acknowledged change is there, with its version and
    value."""
    return cuts(place, count, strict=False)


@row(quick=4, full=150)
def fault_14_power_cut_strict(place, count):
    """The same with strict journals: also every read that was answered is a line of the journal."""
    return cuts(place, count, strict=True)


@row(quick=CONTROL_CUTS, full=CONTROL_CUTS)
def fault_14_control_fsync_does_nothing(place, count):
    """A disk that only says it has written: the campaign must see what is lost, or it sees nothing."""
    weather = place.weather() | {"WEATHER_FORGET": "1"}
    disk = disk_of(place)
    lead = place.node("aurora", state=disk.place / "aurora").init()
    subprocess.run(["sync", "-f", str(disk.place)], check=True)
    lead.start(more=weather)
    for number in range(1, count + 1):
        try:
            cut_under_load(place, disk, [lead], f"{place.seed}.{number}", weather)
            place.history.check(lead)
        except Trouble as found:
            return {"cuts until it was seen": number, "seen": str(found).replace("\n", " ")[:90]}
    raise Trouble(f"{count} cuts with a disk that forgets, and nothing was found missing: the campaign is blind")


@row(quick=6, full=6)
def fault_14_control_batched_reads(place, count):
    """With batched journals a cut may take lines of reads from the last 50 ms: the check of strict ones must notice
    that."""
    disk = disk_of(place)
    members = members_on(place, disk, strict=False)
    for number in range(1, 10 * count + 1):
        cut_under_load(place, disk, members, f"{place.seed}.{number}")
        try:
            place.history.check_journal(members)
        except Trouble as found:
            return {"cuts until it was seen": number, "seen": str(found)[:60]}
    raise Trouble("no line of a read was ever missing: the check of strict journals is blind")


@row(quick=1, full=12)
def fault_14_power_cut_in_operations(place, count):
    """The power goes while keys are rotated, secrets imported, a node joins or is banned: done wholly, or not at
    all."""
    disk = disk_of(place)
    lead = place.node("aurora", state=disk.place / "aurora").init().start()
    cut, outcomes = collections.Counter(), collections.Counter()
    for slug in ("rotate", "rotate_root", "import", "join", "ban", "delete"):
        operation = OPERATIONS[slug](place, lead)
        for _ in range(count):
            operation.prepare()
            came = []
            acting = threading.Thread(target=lambda o=operation, c=came: c.append(o.act()), daemon=True)
            acting.start()
            time.sleep(place.chance.random() * OPERATION_SECONDS)
            outcome = (came or ["unknown"])[0]
            power_goes(place, disk, [lead])
            acting.join(60)
            power_returns(place, disk)
            lead.start()
            operation.check(outcome)
            place.history.check(lead)
            cut[slug] += 1
            outcomes[outcome] += 1
    return {"cuts": sum(cut.values()), "answers": dict(outcomes), "half done": 0}
