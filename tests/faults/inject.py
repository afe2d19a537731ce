"""System calls that fail, wait or kill, by strace: of a process that runs, or of one from its first call on.

strace counts calls for each thread: `when=3` is the third of any thread since the tracing began. The store, the
journal and the events each have one thread that writes, so that is nearly the third of each file."""

import os
import signal
import subprocess
import time

from node import Trouble, eventually

# The calls by which something comes to the disk, or to a peer, or into place.
CALLS = {
    "write": "pwrite64", "data": "fdatasync", "all": "fsync", "length": "ftruncate",
    "name": "rename,link,linkat,renameat", "gone": "unlink,unlinkat", "peer": "sendmsg,sendto",
}


def spelled(calls, effect, paths):
    """The arguments of strace for one effect on some calls, of these files alone if any are named."""
    only = [word for path in paths for word in ("-P", str(path))]
    return ["-f", "-q", "-y", "-e", f"trace={calls}", "-e", f"inject={calls}:{effect}", *only]


def from_the_start(calls, effect, trace, paths=()):
    """What is put before a command, so that the effect is there from its first call on. The command stays our child."""
    return ["strace", "-D", "-o", str(trace), *spelled(calls, effect, paths)]


def killed_at(trace, calls, number):
    """What is put before a command whose N-th call of these is its last."""
    return ["strace", "-f", "-q", "-o", str(trace), "-e", f"trace={calls}", "-e",
            f"inject={calls}:signal=KILL:when={number}"]


class Injected:
    """An effect on a process that runs, for the length of a block."""

    def __init__(self, pid, calls, effect, trace, paths=()):
        self.pid, self.calls, self.effect, self.trace, self.paths = pid, calls, effect, trace, paths
        self.process = None

    def __enter__(self):
        threads = set(os.listdir(f"/proc/{self.pid}/task"))
        command = ["strace", "-p", str(self.pid), "-o", str(self.trace), *spelled(self.calls, self.effect, self.paths)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)
        eventually("strace has every thread", lambda: self.is_attached(threads), 30)
        return self

    def is_attached(self, threads):
        """Whether every thread has its tracer; what the node does by itself may meet the effect before that."""
        if self.process.poll() is not None:
            if is_gone(self.pid):
                return True
            raise Trouble(f"strace: {self.process.stderr.read().decode()}")
        return all(tracer(self.pid, thread) for thread in threads)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.process.stderr.close()

    def hits(self):
        """The lines of the calls that had the effect."""
        return hits(self.trace)


def hits(trace):
    """The lines of a trace whose calls had the effect."""
    if not os.path.exists(trace):
        return []
    with open(trace, encoding="utf-8", errors="replace") as lines:
        return [line for line in lines if "(INJECTED)" in line or "(DELAYED)" in line or "killed by SIGKILL" in line]


def is_gone(pid):
    """Whether a process has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as about:
            return about.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def tracer(pid, thread):
    """The tracer of a thread; a thread that has ended needs none."""
    try:
        with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii") as lines:
            return int(next(line for line in lines if line.startswith("TracerPid")).split()[1])
    except (OSError, StopIteration):
        return -1


def settled(node, seconds):
    """Gives what was asked for time to come to its end; whether the process is still there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and node.is_up():
        time.sleep(0.01)
    return node.is_up()
