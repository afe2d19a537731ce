"""Rows 54 to 62: callers and peers that take without end, and a node that runs out of files or memory."""

import collections
import json
import multiprocessing
import os
import pathlib
import resource
import signal
import socket
import threading
import time

from ask import Unknown, Unreached, ask, connect, parse, read_all, spell
from node import Trouble, eventually, free_port
from rows import NotHere, row
from rows_disk import some_changes
from rows_odd_disk import milliseconds, reads
from workload import Workload

# A process here may have so many files; the campaign itself needs its share of them.
FILES = 20_000

# Whoever asks while others crowd the door is answered within this time; a debug build on a busy machine is slow.
ANSWER_WITHIN = 1.0

# How much more memory a crowd may cost: what a node keeps for each connection it holds, and no more.
CROWD_KIB_MAX = 64 * 1024


def room_for(files):
    """Lets this process open so many files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < files:
        raise NotHere(f"only {hard} files may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


# What the node may take beyond what it had when it was put under the limit: the kernel counts from then on.
GROWTH_BYTES = 3 * 1024 * 1024

# A user and a group of nobody: the node lets the group in.
STRANGER = 64_321

# Descriptors of a node that nobody asks anything of, with room for a few callers.
SEATS_MAX = 60


class Crowd:
    """Connections that are held open by one caller, whatever the node does with them."""

    def __init__(self):
        self.connections, self.refused = [], 0

    def add(self, path, said=b""):
        """One more, which says something and waits."""
        try:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.setblocking(False)
            connection.connect(str(path))
            connection.send(said)
            self.connections.append(connection)
        except OSError:
            self.refused += 1
            connection.close()

    def say(self, more):
        """Each says a little more; those that the node has closed go."""
        left = []
        for connection in self.connections:
            try:
                connection.send(more)
                left.append(connection)
            except OSError:
                connection.close()
        self.connections = left

    def leave(self):
        """All hang up."""
        for connection in self.connections:
            connection.close()
        self.connections = []


class Asker:
    """Somebody else who asks all the time, on the other socket; what was answered, and how fast."""

    def __init__(self, node):
        self.node, self.took, self.codes = node, [], collections.Counter()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                answer = self.node.admin("GET", "/api/secrets/row/key", patience=10)
                self.codes[str(answer.code() or answer.status)] += 1
            except (Unknown, Unreached):
                self.codes["none"] += 1
            self.took.append(time.monotonic() - began)
            time.sleep(0.005)

    def stop(self):
        """How many were answered, and the slow ones."""
        self.stopping.set()
        self.thread.join(30)
        if self.codes["200"] < 0.95 * sum(self.codes.values()):
            raise Trouble(f"somebody else was not answered: {dict(self.codes)}")
        slow = sorted(self.took)[int(len(self.took) * 0.99)]
        if slow > ANSWER_WITHIN:
            raise Trouble(f"somebody else waited {slow:.2f} s")
        return {"others answered": self.codes["200"], "others refused": sum(self.codes.values()) - self.codes["200"],
                "others p50": milliseconds(self.took, 0.5), "others p99": milliseconds(self.took)}


def crowd_of_stranger(path, count, said, more, seconds, told):
    """A crowd of another user, in a process of its own: it fills the door, goes on talking, and hangs up when it is told to."""
    os.setgroups([])
    os.setgid(STRANGER)
    os.setuid(STRANGER)
    crowd = Crowd()
    for _ in range(count):
        crowd.add(path, said)
    told.send(len(crowd.connections))
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        crowd.say(more)
        time.sleep(0.5)
    told.send(len(crowd.connections))
    told.recv()
    crowd.leave()


def crowded(place, count, said, more, seconds, secrets=0):
    """What a crowd of another user on the agent socket costs the node and those who ask on the admin socket."""
    room_for(FILES)
    lead = place.node("aurora").init()
    lead.configure('# socket_group = "aurora"', f'socket_group = "{STRANGER}"')
    lead.start()
    some_changes(place, lead, "before")
    lines = [{"service": "many", "key_name": f"key{number}", "key_value": "x", "scope": "global"}
             for number in range(secrets)]
    if lines:
        lead.told("POST", "/api/import", "".join(json.dumps(line) + "\n" for line in lines).encode())
    alone = reads(lead, 100)
    before = lead.resident_kib()
    forked = multiprocessing.get_context("fork")
    ours, theirs = forked.Pipe()
    arguments = (lead.sockets / "agent.sock", count, said, more, seconds, theirs)
    crowd = forked.Process(target=crowd_of_stranger, args=arguments, daemon=True)
    crowd.start()
    asker = Asker(lead)
    reached, held = ours.recv(), lead.open_files()
    left, during, kept = ours.recv(), lead.resident_kib(), lead.open_files()
    told = asker.stop()
    ours.send("leave")
    crowd.join(60)
    if not reached:
        raise Trouble("nobody of the crowd reached the door: the row shows nothing")
    if during - before > CROWD_KIB_MAX:
        raise Trouble(f"the crowd cost {during - before} KiB")
    if secrets and kept > SEATS_MAX:
        raise Trouble(f"{kept} descriptors are open for callers that do not read")
    eventually("a caller is answered again", lambda: answered(lead), 30)
    place.history.check(lead)
    return {"connections": count, "reached the door": reached, "descriptors then": held, "at the end": kept,
            "not hung up": left, "alone p99": milliseconds(alone), **told, "memory": f"{before // 1024} MiB, {during // 1024} MiB"}


def answered(node):
    """Whether a read is answered."""
    try:
        return node.get("/api/secrets/row/key", patience=5).status == 200
    except (Unknown, Unreached):
        return False


@row(quick=1000, full=10_000)
def fault_54_slowloris(place, count):
    """So many connections that send their request one byte at a time: the others are answered as if they were not
    there."""
    return crowded(place, count, b"GET /api/secrets/row/key HTTP/1.1\r\nhost: l", b"o", seconds=12)


@row(quick=1000, full=10_000)
def fault_54_idle_connections(place, count):
    """So many connections that say nothing at all."""
    return crowded(place, count, b"", b"", seconds=6)


@row(quick=50, full=250)
def fault_54_callers_that_never_read(place, count):
    """Callers that ask for more than fits between them and the node, and take no byte of it: they are dropped after half a
    minute, and cost little memory until then."""
    asks = spell("GET", "/api/secrets?limit=500").replace(b"connection: close", b"connection: keep-alive")
    return crowded(place, count, asks * 4, b"", seconds=45, secrets=900)


@row(quick=20, full=200)
def fault_55_one_gibibyte_announced(place, count):
    """A request that announces a gibibyte, or a header without end: refused before anything is kept for it."""
    lead = place.lead()
    some_changes(place, lead, "before")
    before, codes = lead.resident_kib(), collections.Counter()
    head = "POST /api/secrets HTTP/1.1\r\nhost: l\r\nconnection: close\r\ncontent-length: {}\r\n\r\n"
    for length in [1 << 30, 1 << 31, (1 << 32) - 1, (1 << 63) - 1] * count:
        codes[said_to(lead, head.format(length).encode() + b"{" * 1024)] += 1
    for _ in range(count):
        codes[said_to(lead, b"GET / HTTP/1.1\r\nx: " + b"y" * (1 << 20))] += 1
    after = lead.resident_kib()
    if codes["200"] or after - before > CROWD_KIB_MAX:
        raise Trouble(f"answers {dict(codes)}, memory {before} KiB and then {after} KiB")
    place.history.check(lead)
    return {"requests": 5 * count, "answers": dict(codes), "memory": f"{before // 1024} MiB, {after // 1024} MiB"}


def said_to(node, text):
    """What bytes on the admin socket are answered; nothing if the connection is closed."""
    with connect(node.sockets / "admin.sock", 40) as connection:
        try:
            connection.sendall(text)
        except OSError:
            pass
        try:
            return str(parse(read_all(connection, time.monotonic() + 40)).status)
        except (OSError, ValueError):
            return "closed"


@row(quick=200, full=5000)
def fault_55_noise_to_the_peer_port(place, count):
    """Datagrams of noise, of every length, to the port where followers are taken: the follower stays, memory too."""
    address = ("127.0.0.1", free_port())
    lead = place.node("aurora").init(f"{address[0]}:{address[1]}").start()
    follower = place.follower(lead, "vengeance")
    before = lead.resident_kib()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
        for number in range(count):
            noise.sendto(place.chance.randbytes(1 + number % 1400), address)
            # A first flag byte of QUIC: long header, so that it is looked at.
            noise.sendto(bytes([0xC0 | place.chance.randrange(64)]) + place.chance.randbytes(1199), address)
    some_changes(place, lead, "in noise")
    follower.reaches(lead.revision(), 20)
    place.history.check(lead)
    return {"datagrams": 2 * count, "memory": f"{before // 1024} MiB, {lead.resident_kib() // 1024} MiB"}


@row(quick=200, full=20_000)
def fault_57_connect_and_leave(place, count):
    """Callers that connect and are gone before anybody looks who they are: no descriptor stays, nobody is answered
    wrongly."""
    lead = place.lead()
    some_changes(place, lead, "before")
    before = lead.open_files()
    for number in range(count):
        crowd = Crowd()
        crowd.add(lead.sockets / "agent.sock", b"GET /api/secrets/row/key HTTP/1.1\r\n\r\n" if number % 2 else b"")
        crowd.leave()
    eventually("their descriptors are closed", lambda: lead.open_files() <= before + 4, 60)
    place.history.check(lead)
    return {"callers": count, "descriptors before": before, "after": lead.open_files()}


@row(quick=1, full=5)
def fault_60_no_files_left(place, count):
    """The node may open no file more (prlimit) while callers crowd the door: it does not spin, loses nothing,
    recovers."""
    lead = place.lead()
    some_changes(place, lead, "before")
    used, codes = 0.0, collections.Counter()
    for number in range(count):
        limit = lead.open_files() + 5
        former = resource.prlimit(lead.pid(), resource.RLIMIT_NOFILE)
        resource.prlimit(lead.pid(), resource.RLIMIT_NOFILE, (limit, former[1]))
        crowd = Crowd()
        for _ in range(100):
            crowd.add(lead.sockets / "agent.sock")
        began = lead.cpu_seconds()
        time.sleep(3)
        used = max(used, (lead.cpu_seconds() - began) / 3)
        codes["read"] += answered(lead)
        resource.prlimit(lead.pid(), resource.RLIMIT_NOFILE, former)
        crowd.leave()
        eventually("a caller is answered again", lambda: answered(lead), 30)
        if some_changes(place, lead, f"after {number}")[-1] != "ok":
            raise Trouble(f"no change is made again: {lead.last_words()}")
        place.history.check(lead)
    if used > 0.5:
        raise Trouble(f"without files the node used {used:.0%} of a processor for nothing")
    return {"times": count, "processor meanwhile": f"{used:.0%}", "answered meanwhile": codes["read"]}


@row(quick=1, full=5)
def fault_62_no_memory(place, count):
    """The kernel ends the node for want of memory, under writers of large values: as if it were killed."""
    group = pathlib.Path("/sys/fs/cgroup/memory") / f"aurora-faults-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        raise NotHere(f"no memory cgroup: {error}") from error
    place.leaving.insert(0, group.rmdir)
    lead = place.lead()
    ended = collections.Counter()
    for number in range(count):
        (group / "cgroup.procs").write_text(str(lead.pid()))
        (group / "memory.limit_in_bytes").write_text(str(GROWTH_BYTES))
        load = Workload(place.history, lead, seed=f"{place.seed}.{number}").start()
        deadline = time.monotonic() + 15
        for turn in range(100_000):
            if not lead.is_up() or time.monotonic() > deadline:
                break
            large(lead, f"{number}-{turn}")
        load.stop()
        ended["killed by the kernel" if not lead.is_up() else "went on within the limit"] += 1
        if not lead.is_up() and lead.ended() != -signal.SIGKILL:
            raise Trouble(f"ended with {lead.ended()}: {lead.last_words()}")
        lead.end(signal.SIGKILL)
        (group / "memory.limit_in_bytes").write_text("-1")
        lead.start()
        place.history.check(lead)
    if not ended["killed by the kernel"]:
        raise Trouble("memory was never short: the row shows nothing")
    return {"times": count, **ended, "acknowledged": place.history.counts["ok"]}


def large(lead, number):
    """A value of the largest size; what becomes of it is nobody's promise."""
    body = {"service": "large", "key_name": f"key{number}", "scope": "global",
            "key_value": os.urandom(24 * 1024).hex() + str(time.monotonic())}
    try:
        ask(lead.sockets / "admin.sock", "POST", "/api/secrets", body, patience=10)
    except (Unknown, Unreached):
        return
