"""The table of faults: what a row is, and where it plays."""

import pathlib
import random
import shutil
import subprocess

from history import History
from node import Node, Trouble

# Every row, in the order it was written.
ROWS = {}


class NotHere(Exception):
    """This machine, or this build, lacks what the row needs."""


def row(quick, full):
    """Makes a function a row of the table: how much of it a quick run does, and how much a whole one."""
    def taken(work):
        ROWS[work.__name__] = (work, {"quick": quick, "full": full})
        return work
    return taken


class Place:
    """Where a row plays: the binary under test, a directory of its own, and the chances of this run."""

    def __init__(self, binary, directory, slug, seed):
        self.binary, self.seed, self.slug = binary, seed, slug
        # Short, because the path of a socket may have 107 bytes.
        self.home = pathlib.Path(directory) / f"row{list(ROWS).index(slug)}"
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        # Another user, whom some rows play, must come by here.
        self.home.parent.chmod(0o711)
        self.chance = random.Random(f"{seed}.{slug}")
        self.history = History(self.home / "history.jsonl")
        self.leaving = []

    def node(self, name, **more):
        """A node that does not live yet; it ends with the row."""
        node = Node(self.binary, self.home, name, **more)
        self.leaving.append(node.end)
        return node

    def lead(self, **more):
        """A lead that runs."""
        return self.node("aurora", **more).init().start()

    def follower(self, lead, name):
        """A follower that has joined and holds what its lead holds."""
        node = lead.follower(name, home=self.home)
        self.leaving.append(node.end)
        return node

    def begin_anew(self):
        """Ends the nodes and removes what they wrote; the counts of the history go on."""
        for leaving in self.leaving:
            leaving()
        self.leaving = []
        counts = self.history.counts
        self.history.file.close()
        shutil.rmtree(self.home)
        self.home.mkdir()
        self.history = History(self.home / "history.jsonl")
        self.history.counts = counts

    def trace(self):
        """Where strace writes; empty."""
        path = self.home / "trace"
        path.unlink(missing_ok=True)
        return path

    def weather(self):
        """The library that stands between a program and its disk, built here."""
        built = self.home / "weather.so"
        source = pathlib.Path(__file__).with_name("weather.c")
        command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(built), str(source), "-ldl"]
        ended = subprocess.run(command, capture_output=True, text=True)
        if ended.returncode != 0:
            raise NotHere(f"no C compiler: {ended.stderr[:200]}")
        return {"LD_PRELOAD": str(built)}

    def leave(self, keep):
        """Ends what the row started, newest first, and removes what it wrote."""
        for leaving in reversed(self.leaving):
            try:
                leaving()
            except (Trouble, OSError):
                continue
        self.history.file.close()
        if not keep:
            shutil.rmtree(self.home, ignore_errors=True)

    def tell(self, text):
        """A line for whoever watches a long row."""
        print(f"    {self.slug}: {text}", flush=True)
