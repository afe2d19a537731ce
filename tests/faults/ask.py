"""Asks a node over its Unix socket, and tells apart what a client of a crashing node must: answered, refused, or
unknown.

A request that left and was not answered is unknown, never refused: the change may have been made."""

import json
import socket
import time

# A node that says nothing for so long is taken for hung. Its own limit for one request is 30 s.
PATIENCE = 35.0


class Unreached(Exception):
    """Nothing was sent: nobody listens."""


class Unknown(Exception):
    """The request left, and no whole answer came."""


class Answer:
    """What a node answered: its status, its headers in small letters, and its body."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        """The body as JSON; nothing if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def code(self):
        """The code of an error, or nothing."""
        told = self.json()
        return told["error"]["code"] if isinstance(told, dict) and "error" in told else None

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


def connect(path, patience=PATIENCE):
    """An open connection to a socket."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(patience)
    try:
        connection.connect(str(path))
    except OSError as error:
        connection.close()
        raise Unreached(f"{path}: {error}") from error
    return connection


def spell(method, target, body=None, headers=()):
    """A request in bytes; a body that is no bytes becomes JSON."""
    payload = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {target} HTTP/1.1", "host: localhost", "connection: close", f"content-length: {len(payload)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


def ask(path, method, target, body=None, headers=(), patience=PATIENCE):
    """One request, one answer."""
    connection = connect(path, patience)
    deadline = time.monotonic() + patience
    with connection:
        try:
            connection.sendall(spell(method, target, body, headers))
            return parse(read_all(connection, deadline))
        except (OSError, ValueError) as error:
            raise Unknown(f"{method} {target}: {error}") from error


def read_all(connection, deadline):
    """Everything until the other side closes."""
    pieces = []
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise OSError("no answer in time")
        connection.settimeout(left)
        piece = connection.recv(65536)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def parse(text):
    """An answer out of its bytes; what is cut short is no answer."""
    head, found, body = text.partition(b"\r\n\r\n")
    if not found:
        raise ValueError("the answer is cut short")
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if len(body) < int(headers.get("content-length", "0")):
        raise ValueError("the answer is cut short")
    return Answer(int(lines[0].split(" ")[1]), headers, body)
