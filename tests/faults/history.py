"""What was asked and what was promised, and whether a node that came back keeps it.

Every operation is written down before it is sent and after it is answered: done, refused, or unknown. Of a secret
that one client alone writes it is then known in which states it can be; of one that all write, which value each
version has. Reads are held against what was promised before they began."""

import json
import threading
import time

from ask import Unknown, Unreached
from node import Trouble

# Versions the store keeps of each secret.
KEPT = 10


class Refused(Exception):
    """The node said that it did not do it."""


class History:
    """The log of all operations, in memory and in a file."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.file = open(path, "a", encoding="utf-8")
        self.began = time.monotonic()
        self.counts = {"ok": 0, "fail": 0, "unknown": 0, "read": 0}
        self.requests = []
        # Whether the power is gone: what is answered from then on reaches nobody.
        self.dark = False
        self.revisions = {}
        self.secrets = {}

    def secret(self, name, alone):
        """What is known of a secret."""
        with self.lock:
            kind = Alone if alone else Shared
            return self.secrets.setdefault(name, kind(name))

    def note(self, **entry):
        """Writes an entry down."""
        entry["at"] = round(time.monotonic() - self.began, 6)
        self.file.write(json.dumps(entry) + "\n")

    def operation(self, client, secret, kind, value, send):
        """One change: `send` asks the node. What came of it is in the log and in what is known of the secret."""
        with self.lock:
            self.note(client=client, op=kind, secret=secret.name, value=value, phase="invoke")
            secret.begins(kind, value)
        outcome, answer = settle(send)
        with self.lock:
            if self.dark and outcome == "ok":
                outcome = "unknown"
            self.counts[outcome] += 1
            told = answer.json() if answer is not None else None
            self.note(client=client, op=kind, secret=secret.name, value=value, phase=outcome,
                      status=answer.status if answer else None)
            if outcome == "ok":
                self.is_new(told["revision"], secret.name, kind)
            secret.ends(kind, value, outcome, told)
        return outcome

    def is_new(self, revision, name, kind):
        """One change, one revision: no number is promised twice."""
        if revision in self.revisions:
            raise Trouble(f"revision {revision} was promised for {self.revisions[revision]} and for {(name, kind)}")
        self.revisions[revision] = (name, kind)

    def read(self, client, node, secret):
        """One read: neither older than what was promised before it began, nor something nobody wrote."""
        with self.lock:
            floor = secret.floor(node.name)
        try:
            answer = node.get(f"/api/secrets/{secret.name}")
        except (Unknown, Unreached):
            return
        if answer.status != 200:
            return
        told = answer.json()
        with self.lock:
            if self.dark:
                return
            self.counts["read"] += 1
            self.requests.append((node.name, answer.headers["x-request-id"]))
            self.note(client=client, op="read", secret=secret.name, version=told["version"], phase="ok")
            secret.was_read(node.name, floor, told["version"], told["key_value"])

    def goes_dark(self):
        """The power goes now."""
        with self.lock:
            self.dark = True

    def check(self, lead):
        """Holds a lead that came back against everything that was promised."""
        with self.lock:
            highest = max(self.revisions, default=0)
            if lead.revision() < highest:
                raise Trouble(f"revision {highest} was promised, {lead.revision()} is there")
            for secret in self.secrets.values():
                secret.check(lead)
            self.file.flush()
        lead.checked()

    def check_journal(self, nodes):
        """Every answered read is a line of the journal of the node that answered."""
        texts = {node.name: node.journal() for node in nodes}
        missing = [(name, request) for name, request in self.requests if request not in texts[name]]
        if missing:
            raise Trouble(f"{len(missing)} of {len(self.requests)} answered reads are in no journal: {missing[:3]}")
        found, self.requests = len(self.requests), []
        return found


def settle(send):
    """What came of a request. A failure of the node (5xx) leaves open whether it was done; a refusal does not."""
    try:
        answer = send()
    except Unreached:
        return "fail", None
    except Unknown:
        return "unknown", None
    if answer.status == 200:
        return "ok", answer
    return ("unknown" if answer.status >= 500 else "fail"), answer


def versions_of(lead, name):
    """The versions a lead keeps, newest first, with their states."""
    answer = lead.answer("GET", f"/api/secrets/{name}/versions")
    if answer.status == 404:
        return {}
    if answer.status != 200:
        raise Trouble(f"the versions of {name}: {answer}")
    return {line["version"]: line["state"] for line in answer.json()["versions"]}


def value_of(lead, name, version):
    """The value of one version."""
    answer = lead.answer("GET", f"/api/secrets/{name}?version={version}")
    if answer.status != 200:
        raise Trouble(f"version {version} of {name}: {answer}")
    return answer.json()["key_value"]


class Alone:
    """A secret that one client writes, one change after the other. Its state is one of a few: (version, value,
    live)."""

    def __init__(self, name):
        self.name = name
        self.possible = {(0, None, True)}
        self.seen = {}

    @staticmethod
    def after(state, kind, value):
        """The state a change leads to; none if it cannot be made there."""
        version, kept, live = state
        if kind == "put":
            return (version + 1, value, True)
        if kind == "delete":
            return (version, kept, False) if version and live else None
        return (version, kept, True) if version and not live else None

    def begins(self, kind, value):
        """Nothing is known of it before its answer."""

    def ends(self, kind, value, outcome, told):
        """Narrows or widens what is possible."""
        reached = {after for state in self.possible if (after := self.after(state, kind, value)) is not None}
        if outcome == "fail":
            return
        if outcome == "unknown":
            self.possible |= reached
            return
        self.possible = {state for state in reached if state[0] == told["version"]}
        if not self.possible:
            raise Trouble(f"{self.name}: {kind} was answered with version {told['version']}, which cannot be")

    def floor(self, node):
        """The least version a read that begins now may give."""
        return max(self.seen.get(node, 0), min(state[0] for state in self.possible) if node == "aurora" else 0)

    def was_read(self, node, floor, version, value):
        """Another change may have been made meanwhile, so only the lower bound holds."""
        if version < floor:
            raise Trouble(f"{self.name}: {node} gave version {version} after {floor}")
        self.seen[node] = max(self.seen.get(node, 0), version)

    def check(self, lead):
        """It is in one of the states it can be in, and from now on in that one."""
        kept = versions_of(lead, self.name)
        found = (0, None, True)
        if kept:
            newest = max(kept)
            live = kept[newest] == "live"
            values = {state[1] for state in self.possible if state[0] == newest}
            value = value_of(lead, self.name, newest) if live else next(iter(values), None)
            found = (newest, value, live)
        if found not in self.possible:
            raise Trouble(f"{self.name} is {found}, and may be {sorted(self.possible, key=str)}")
        self.possible = {found}


class Shared:
    """A secret that all clients write: which value each acknowledged version has, and which values may have no number
    yet."""

    def __init__(self, name):
        self.name = name
        self.acknowledged = {}
        self.open = set()
        self.verified = {}
        self.seen = {}

    def begins(self, kind, value):
        """The value may be there from now on."""
        self.open.add(value)

    def ends(self, kind, value, outcome, told):
        """A number is promised once."""
        if outcome == "ok":
            version = told["version"]
            if self.acknowledged.get(version, value) != value or self.verified.get(version, value) != value:
                raise Trouble(f"{self.name}: version {version} was given twice")
            self.acknowledged[version] = value
        if outcome != "unknown":
            self.open.discard(value)

    def floor(self, node):
        """The least version a read that begins now may give."""
        return max([self.seen.get(node, 0), *(self.acknowledged if node == "aurora" else ())])

    def was_read(self, node, floor, version, value):
        """Not older than it must be, and what the version is known to hold."""
        if version < floor:
            raise Trouble(f"{self.name}: {node} gave version {version} after {floor}")
        if self.acknowledged.get(version, value) != value:
            raise Trouble(f"{self.name}: {node} gave {value} as version {version}")
        self.seen[node] = max(self.seen.get(node, 0), version)

    def check(self, lead):
        """Every promised version that is kept has its value, the newest are there, and nothing else is but what was
        sent."""
        kept = versions_of(lead, self.name)
        newest = max(kept, default=0)
        promised = max([*self.acknowledged, *self.verified, *self.seen.values()], default=0)
        if newest < promised:
            raise Trouble(f"{self.name}: version {promised} was promised, {newest} is the newest")
        for version in self.acknowledged:
            if version > newest - KEPT and version not in kept:
                raise Trouble(f"{self.name}: version {version} was promised and is not kept")
        for version in [number for number in kept if number not in self.verified]:
            value = value_of(lead, self.name, version)
            if self.acknowledged.get(version, value) != value:
                raise Trouble(f"{self.name}: version {version} is {value}, promised was {self.acknowledged[version]}")
            if version not in self.acknowledged and value not in self.open:
                raise Trouble(f"{self.name}: version {version} is {value}, which was refused or never sent")
            self.verified[version] = value
        self.acknowledged = {version: value for version, value in self.acknowledged.items() if version > newest - KEPT}
        self.open = set()
