"""The operations a kill interrupts: what each needs before it, how it is asked for, when it is over, and what must hold
afterwards whatever became of it. A new verb is one more entry of OPERATIONS."""

import json
import signal
import time

from ask import Unknown, Unreached
from history import settle
from inject import CALLS, killed_at
from node import Node, Trouble, eventually


# A node that joins gives up on a lead that does not answer after a while; nothing is learnt from waiting for that.
ATTEMPT_SECONDS_MAX = 60.0

# A lead that died is not there again until the command has ended.
WITHOUT_LEAD_SECONDS = 0.5


class Operation:
    """One kind of change. `prepare` makes ready what it needs, `act` asks and gives `ok`, `fail` or `unknown`, `idle`
    says whether what it set going is over, `check` looks at a lead that came back. `calls` are those at which it is
    killed."""

    calls = CALLS

    def __init__(self, place, lead):
        self.place, self.lead, self.history = place, lead, place.history
        self.count = 0
        self.begin()

    def begin(self):
        """Once, before the first time."""

    def prepare(self):
        """Before each time; nothing is traced yet."""
        self.count += 1

    def act(self):
        raise NotImplementedError

    def idle(self):
        """Whether nothing of it is under way any more."""
        return True

    def check(self, outcome):
        """After the lead has come back. What was promised of secrets is checked for every operation."""

    def change(self, name, kind, value, send):
        """One change of a secret that nobody else writes."""
        return self.history.operation("row", self.history.secret(name, alone=True), kind, value, send)


class Put(Operation):
    """The first value of a secret that is new."""

    def act(self):
        name, value = f"new/key{self.count}", f"first {self.count}"
        return self.change(name, "put", value, lambda: self.lead.put(name, value))


class PutAgain(Operation):
    """A new version of one secret: the values before stay readable."""

    def act(self):
        value = f"again {self.count}"
        return self.change("again/key", "put", value, lambda: self.lead.put("again/key", value))


class Delete(Operation):
    """A deletion: once it is acknowledged nobody reads the value, whatever happens."""

    def prepare(self):
        super().prepare()
        value = f"to go {self.count}"
        self.change("going/key", "put", value, lambda: self.lead.put("going/key", value))

    def act(self):
        return self.change("going/key", "delete", None, lambda: self.lead.admin("DELETE", "/api/secrets/going/key"))


class Rotate(Operation):
    """A new key for a scope, and every value sealed anew; the file is written anew at the end."""

    def begin(self):
        for number in range(12):
            name, value = f"{type(self).__name__.lower()}/key{number}", f"value {number}"
            self.change(name, "put", value, lambda name=name, value=value: self.lead.put(name, value))

    def act(self):
        return settle(lambda: self.lead.admin("POST", "/api/keys/rotate"))[0]

    def idle(self):
        try:
            told = self.lead.admin("GET", "/api/keys", patience=5)
        except (Unknown, Unreached):
            return False
        return told.status == 200 and told.json()["rotation"] is None

    def check(self, outcome):
        eventually("the rotation is finished without being asked", self.idle)


class RotateRoot(Rotate):
    """A new root key; every key is wrapped anew."""

    def act(self):
        return settle(lambda: self.lead.admin("POST", "/api/keys/rotate-root"))[0]


class Import(Operation):
    """Many secrets in one transaction: all of them are there, or none."""

    SIZE = 20

    def names(self):
        return [f"bulk{self.count}/key{number}" for number in range(self.SIZE)]

    def act(self):
        lines = [{"service": name.split("/")[0], "key_name": name.split("/")[1], "key_value": f"of {name}",
                  "scope": "global"} for name in self.names()]
        body = "".join(json.dumps(line) + "\n" for line in lines).encode()
        return settle(lambda: self.lead.admin("POST", "/api/import", body))[0]

    def check(self, outcome):
        there = [self.lead.answer("GET", f"/api/secrets/{name}").status == 200 for name in self.names()]
        if any(there) != all(there):
            raise Trouble(f"an import is half there: {sum(there)} of {self.SIZE}")
        if (outcome == "ok" and not all(there)) or (outcome == "fail" and any(there)):
            raise Trouble(f"an import was answered {outcome}, and {sum(there)} of {self.SIZE} are there")


class Join(Operation):
    """A node joins: its token is used up if and only if the node is on the roster, and the same machine may try
    again."""

    def prepare(self):
        super().prepare()
        self.newcomer = Node(self.lead.binary, self.place.home, f"new{self.count}")
        self.token = self.lead.token(self.newcomer.name)

    def wrap(self):
        """What the command of the newcomer runs in."""
        return ()

    def act(self):
        return self.attempt(self.wrap())

    def attempt(self, wrap=()):
        """Types `aurora join`; a lead that has died will not answer it."""
        asks = self.newcomer.begin(["join", "-", "--listen", "127.0.0.1:0", *self.newcomer.places()], wrap)
        asks.stdin.write(self.token.encode())
        asks.stdin.close()
        deadline = time.monotonic() + ATTEMPT_SECONDS_MAX
        while asks.poll() is None and time.monotonic() < deadline:
            if not self.lead.is_up():
                deadline = min(deadline, time.monotonic() + WITHOUT_LEAD_SECONDS)
            time.sleep(0.02)
        # Not the newcomer's end is looked at here, and its lead may be dead: it would wait for it.
        asks.kill()
        self.said = asks.stderr.read().decode(errors="replace")
        asks.stderr.close()
        return "ok" if asks.wait() == 0 else "unknown"

    def check(self, outcome):
        listed = {node["name"] for node in self.lead.told("GET", "/api/nodes")["nodes"]}
        tokens = self.lead.told("GET", "/api/tokens")["tokens"]
        used = any(token["node"] == self.newcomer.name and token["state"] == "consumed" for token in tokens)
        joined = self.newcomer.name in listed
        if used != joined or (outcome == "ok" and not joined):
            raise Trouble(f"{self.newcomer.name}: answered {outcome}, token used: {used}, on the roster: {joined}")
        # Killed behind its last step it has joined, and says so.
        if outcome != "ok" and self.attempt() != "ok" and "this machine has joined already" not in self.said:
            raise Trouble(f"{self.newcomer.name} cannot join again with its token (used: {used}): {self.said}")


class JoinKilled(Join):
    """The same, and it is the newcomer that is killed. Afterwards it runs, and is told what the lead holds."""

    def check(self, outcome):
        super().check(outcome)
        self.newcomer.start()
        self.newcomer.reaches(self.lead.revision())
        self.newcomer.end()

    def kill_at(self, calls, number):
        """Which call of the newcomer is its last."""
        self.fatal = (calls, number)

    def wrap(self):
        return killed_at(self.place.trace(), *self.fatal)


class Ban(Operation):
    """A node is thrown out: once that is acknowledged it stays out."""

    def prepare(self):
        super().prepare()
        self.banned = f"out{self.count}"
        node = Node(self.lead.binary, self.place.home, self.banned)
        node.join(self.lead.token(self.banned))

    def act(self):
        return settle(lambda: self.lead.admin("POST", f"/api/nodes/{self.banned}/ban", {"reason": "a fault"}))[0]

    def standing(self):
        """What the roster says of the node."""
        nodes = self.lead.told("GET", "/api/nodes")["nodes"]
        return next(node["standing"] for node in nodes if node["name"] == self.banned)

    def idle(self):
        return Rotate.idle(self)

    def check(self, outcome):
        standing = self.standing()
        if (outcome == "ok" and standing != "banned") or (outcome == "fail" and standing == "banned"):
            raise Trouble(f"the ban was answered {outcome}, and {self.banned} is {standing}")
        eventually("the keys it had are replaced without being asked", self.idle)


class Snapshot(Operation):
    """A snapshot into the directory of the lead: what has a snapshot's name there can be restored, and what a kill left
    is gone with the next start."""

    calls = CALLS | {"file": "write", "place": "mkdir,mkdirat"}

    def begin(self):
        self.directory = self.place.home / "snapshots"
        self.directory.mkdir(mode=0o700)
        self.lead.configure('# directory = "/var/lib/aurora-snapshots"', f'directory = "{self.directory}"')
        self.lead.end(signal.SIGTERM)
        self.lead.start()
        self.verified = set()

    def prepare(self):
        super().prepare()
        value = f"kept {self.count}"
        self.change("kept/key", "put", value, lambda: self.lead.put("kept/key", value))

    def act(self):
        outcome, answer = settle(lambda: self.lead.admin("POST", "/api/snapshots"))
        self.name = answer.json()["name"] if outcome == "ok" else None
        return outcome

    def check(self, outcome):
        listed = [kept["name"] for kept in self.lead.told("GET", "/api/snapshots")["snapshots"]]
        if self.name and self.name not in listed:
            raise Trouble(f"{self.name} was acknowledged, and there is {listed}")
        # A lead that was killed before its first snapshot makes one as soon as it is there.
        eventually("what a kill left goes", lambda: not self.unfinished())
        for name in sorted(set(listed) - self.verified):
            self.lead.told("POST", f"/api/snapshots/verify?name={name}")
            self.verified.add(name)

    def unfinished(self):
        """Files of a snapshot that has no name yet, or of a verification."""
        return [*self.directory.glob(".*.tmp"), *self.lead.state.glob("snapshot-scratch/*")]


# What is killed, by the name of its row.
OPERATIONS = {
    "put": Put, "put_again": PutAgain, "delete": Delete, "rotate": Rotate, "rotate_root": RotateRoot, "import": Import,
    "join": Join, "ban": Ban, "snapshot": Snapshot,
}
