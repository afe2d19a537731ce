"""What a node is held against, in the same minute on the same machine: redis, a bare HTTP server, an echo."""

import contextlib
import subprocess

from ask import Unreached, connect
from node import eventually


class Servers:
    """Servers of other kinds on Unix sockets of one directory, until they are ended."""

    def __init__(self, program, home):
        self.program, self.home, self.running = program, home, []
        self.redis = home / "redis.sock"

    def start_redis(self):
        """A redis that keeps nothing on a disk and has no TCP port."""
        settings = ["--port", "0", "--unixsocket", self.redis, "--save", "", "--appendonly", "no", "--dir", self.home]
        self.launch(["redis-server", *settings], self.redis)
        return self.redis

    def serve(self, kind, answer, name=None):
        """`http` or `echo`, giving these bytes to everybody; gives its socket."""
        socket = self.home / f"{name or kind}.sock"
        file = self.home / f"{name or kind}.answer"
        file.write_bytes(answer)
        self.launch([self.program, f"serve-{kind}", socket, file], socket)
        return socket

    def launch(self, command, socket):
        """Starts a server; returns once it listens."""
        log = open(self.home / f"{socket.name}.log", "wb")
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        self.running.append(process)
        eventually(f"{command[0]} listens", lambda: process.poll() is None and listens(socket))

    def end(self):
        """Ends all of them."""
        for process in self.running:
            with contextlib.suppress(OSError):
                process.kill()
            process.wait()


def listens(socket):
    """Whether somebody takes connections there."""
    try:
        connect(socket, 5).close()
        return True
    except Unreached:
        return False


def recorded(socket, target):
    """The bytes of one answer of a node on a connection that is kept, as most programs keep theirs."""
    with connect(socket) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        received = b""
        while True:
            piece = connection.recv(65536)
            received += piece
            head, found, body = received.partition(b"\r\n\r\n")
            lengths = [line for line in head.split(b"\r\n") if line.startswith(b"content-length: ")]
            if not piece or found and len(body) >= int(lengths[0].split()[1]):
                return received
