"""Nodes as they are in the field: processes of the real binary, each with its files, its log and its sockets."""

import os
import re
import signal
import socket
import subprocess
import time

from ask import Unknown, Unreached, ask

# Before this a node has started or it will not; a debug build on a machine with ten builds takes minutes.
START_WITHIN = 300.0

# What nobody expects to see in a log, whatever is done to the node.
PANIC = re.compile(r"panicked at|RUST_BACKTRACE|stack overflow|already borrowed")

# A node that is asked for more than it can do says one of these.
BUSY = ("overloaded", "audit_unavailable")


class Trouble(Exception):
    """A promise that was not kept, or something the campaign cannot go on without."""


def eventually(what, look, within=60.0, pause=0.02):
    """Looks again and again; gives what is found first, or says what was waited for."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Trouble(f"not within {within:.0f} s: {what}")
        time.sleep(pause)


def free_port():
    """A UDP port of loopback that nobody has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Node:
    """One node: its files, and its process while it runs. `home` holds its configuration, log and sockets; `state`
    its store and journal, which a row may put on a disk of its own. `inside` is put before every command: where it
    runs."""

    def __init__(self, binary, home, name, state=None, inside=()):
        self.binary, self.home, self.name, self.inside = str(binary), home, name, list(inside)
        self.state = state or home / name
        self.sockets = home / f"{name}.run"
        self.config = home / f"{name}.toml"
        self.log = home / f"{name}.log"
        self.process = None

    def places(self):
        """The arguments of `init` and `join` that say where this node lives."""
        return ["--no-discovery", "--no-probe", "--config", self.config, "--state-dir", self.state,
                "--socket-dir", self.sockets]

    def run(self, arguments, given=b"", wrap=(), within=120.0):
        """A command of the binary to its end."""
        command = [*self.inside, *wrap, self.binary, *map(str, arguments)]
        return subprocess.run(command, input=given, env=self.environment({}), capture_output=True, timeout=within)

    def begin(self, arguments, wrap=()):
        """A command of the binary, under way."""
        command = [*self.inside, *wrap, self.binary, *map(str, arguments)]
        return subprocess.Popen(command, env=self.environment({}), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE)

    def environment(self, more):
        """Nothing but what is said: no setting of whoever runs this counts."""
        plain = {"HOME": str(self.home), "PATH": os.environ["PATH"], "AURORA_LOG": "info"}
        return plain | {"AURORA_SOCKET": str(self.sockets / "agent.sock")} | more

    def init(self, address=None):
        """Makes a mesh of which this is the lead."""
        address = address or f"127.0.0.1:{free_port()}"
        ended = self.run(["init", "--listen", address, "--advertise", address, *self.places()])
        if ended.returncode != 0:
            raise Trouble(f"init: {ended.stderr.decode()}")
        return self

    def join(self, token, listen="127.0.0.1:0", more=()):
        """Joins the mesh of this token."""
        ended = self.run(["join", "-", "--listen", listen, *self.places(), *more], token.encode())
        if ended.returncode != 0:
            raise Trouble(f"join: {ended.stderr.decode()}")
        return self

    def configure(self, line, by):
        """Replaces one line of the configuration."""
        text = self.config.read_text()
        if text.count(line) != 1:
            raise Trouble(f"{line!r} is not one line of {self.config}")
        self.config.write_text(text.replace(line, by))

    def launch(self, wrap=(), more=None, before=None):
        """Starts the process and does not wait for it."""
        with open(self.log, "ab") as errors:
            command = [*self.inside, *wrap, self.binary, "up", "--exit-with-parent", "--config", str(self.config)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                                            env=self.environment(more or {}), preexec_fn=before)
        return self

    def start(self, wrap=(), more=None, before=None):
        """Starts the process; returns once it answers."""
        self.launch(wrap, more, before)
        return self.answers()

    def answers(self):
        """Waits until the node answers; an end before that is told with the last words of its log."""
        def look():
            if self.process.poll() is not None:
                raise Trouble(f"{self.name} ended with {self.process.returncode}: {self.last_words()}")
            try:
                return self.get("/health", patience=5).status == 200
            except (Unreached, Unknown):
                return False
        eventually(f"{self.name} answers", look, START_WITHIN)
        return self

    def last_words(self, bytes_max=600):
        """The end of the log."""
        return self.log.read_text(errors="replace")[-bytes_max:] if self.log.exists() else ""

    def pid(self):
        """The process of the node itself, also behind what it was wrapped in."""
        return self.process.pid

    def is_up(self):
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None

    def end(self, how=signal.SIGKILL, within=60.0):
        """Sends a signal and gives the exit status it brings; none if it never ran."""
        if self.process is None:
            return None
        if self.is_up():
            self.process.send_signal(how)
        return self.ended(within)

    def ended(self, within=60.0):
        """Waits for the end; gives the exit status, negative for a signal."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired as error:
            raise Trouble(f"{self.name} does not end: {self.last_words()}") from error

    def admin(self, method, target, body=None, patience=35.0):
        """Asks the admin socket."""
        return ask(self.sockets / "admin.sock", method, target, body, patience=patience)

    def get(self, target, patience=35.0):
        """Reads from the agent socket."""
        return ask(self.sockets / "agent.sock", "GET", target, patience=patience)

    def told(self, method, target, body=None):
        """What the admin socket answers, which must be yes."""
        answer = self.answer(method, target, body)
        if answer.status != 200:
            raise Trouble(f"{self.name}: {method} {target}: {answer}")
        return answer.json()

    def answer(self, method, target, body=None):
        """What the admin socket answers to a question, asked again while the node is too busy to answer: a machine
        that does other things as well may let a line of the journal wait for more than a second."""
        def look():
            answer = self.admin(method, target, body)
            return None if answer.code() in BUSY else answer
        return eventually(f"{self.name} answers {target}", look, 300, 0.2)

    def put(self, name, value):
        """Stores a value for everybody; gives the answer."""
        service, key = name.split("/")
        return self.admin("POST", "/api/secrets",
                          {"service": service, "key_name": key, "key_value": value, "scope": "global"})

    def token(self, name):
        """A join token for a follower of this lead."""
        return self.told("POST", "/api/tokens", {"node": name, "companies": []})["token"]

    def revision(self):
        """How far this node is."""
        return self.get("/health").json()["revision"]

    def reaches(self, revision, within=60.0):
        """Waits until the node has this revision."""
        def look():
            try:
                return self.revision() >= revision
            except (Unreached, Unknown):
                return False
        eventually(f"{self.name} reaches revision {revision}", look, within)

    def follower(self, name, home=None, **more):
        """A follower that has joined and holds what this lead holds."""
        node = Node(self.binary, home or self.home, name, **more)
        node.join(self.token(name)).start()
        node.reaches(self.revision())
        return node

    def resident_kib(self):
        """Memory the process holds."""
        text = open(f"/proc/{self.pid()}/status").read()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))

    def cpu_seconds(self):
        """Processor time the process has used so far."""
        fields = open(f"/proc/{self.pid()}/stat").read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self):
        """Descriptors the process has open."""
        return len(os.listdir(f"/proc/{self.pid()}/fd"))

    def journal(self):
        """The text of the journal, of the files that are not packed."""
        return "".join(path.read_text() for path in sorted((self.state / "audit").glob("audit-*.jsonl")))

    def checked(self):
        """That the journal is whole, and that nothing panicked."""
        told = self.answer("GET", "/api/audit/verify").json()
        if told.get("valid") is not True:
            raise Trouble(f"{self.name}: the journal is broken: {told}")
        return self.calm()

    def calm(self):
        """That nothing in the log is a panic."""
        found = PANIC.search(self.log.read_text(errors="replace")) if self.log.exists() else None
        if found:
            raise Trouble(f"{self.name} panicked: {self.last_words(2000)}")
        return self
