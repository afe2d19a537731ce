"""Real nodes with secrets: a lead and one follower, and as many secrets as a measurement wants."""

import random
import shutil
import tempfile
from pathlib import Path

from node import BUSY, Node, Trouble, eventually

# What is stored in each: 50 bytes, and nobody's.
VALUE = "example-value-of-a-benchmark-fifty-bytes-in-length"

# An import takes 200,000 entries at most.
ENTRIES_MAX = 200_000

# Names are spread over so many services, as people's are.
SERVICES = 500

# A million takes a while, also until the follower has it.
PATIENCE = 3600.0


def name(number):
    """Where the secret of this number is."""
    return f"service-{number % SERVICES}/key_{number}"


def target(number):
    """The path of a read of it."""
    return f"/api/secrets/{name(number)}"


class Mesh:
    """A lead and a follower below a directory of their own; they and their files are gone in the end."""

    def __init__(self, binary, parent=None):
        # Short, because the path of a socket may have 107 bytes.
        self.home = Path(tempfile.mkdtemp(prefix="bench-", dir=parent))
        self.held = 0
        self.lead = Node(binary, self.home, "aurora").init().start()
        self.follower = self.lead.follower("vengeance")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for node in (self.follower, self.lead):
            node.end()
        shutil.rmtree(self.home, ignore_errors=True)

    def hold(self, count):
        """Imports what is missing to so many secrets; returns once the follower has them all."""
        while self.held < count:
            upto = min(count, self.held + ENTRIES_MAX)
            lines = (f"# aurora: {name(number)}\nK{number}={VALUE}\n" for number in range(self.held, upto))
            file = self.home / "many.env"
            file.write_text("".join(lines), encoding="utf-8")
            eventually(f"{upto} secrets are imported", lambda file=file: self.imported(file), PATIENCE, 0.5)
            self.held = upto
        self.follower.reaches(self.lead.revision(), PATIENCE)
        return self

    def imported(self, file):
        """Whether the lead has taken a file; one that is too busy is asked again, as long as it says so."""
        ended = self.lead.run(["import", file, "--yes", "--quiet", "-o", "json"], within=PATIENCE)
        told = ended.stderr.decode()
        if ended.returncode != 0 and not any(f'"{code}"' in told for code in BUSY):
            raise Trouble(f"import: {told[-600:]}")
        return ended.returncode == 0

    def put(self, where, value):
        """One secret on both."""
        service, key = where.split("/")
        body = {"service": service, "key_name": key, "key_value": value, "scope": "global"}
        self.follower.reaches(self.lead.told("POST", "/api/secrets", body)["revision"])

    def addresses(self, file, count=1000):
        """A file of addresses of secrets that are held, drawn by chance, for a generator that draws among them."""
        chance = random.Random(7)
        drawn = sorted(chance.sample(range(self.held), min(count, self.held)))
        file.write_text("".join(f"http://localhost{target(number)}\n" for number in drawn), encoding="utf-8")
        return file


def agent(node):
    """The socket of programs."""
    return node.sockets / "agent.sock"


def admin(node):
    """The socket of whoever runs the node."""
    return node.sockets / "admin.sock"

