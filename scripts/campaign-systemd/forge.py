"""Asks for the credential of a unit under a name that is not its own: forge.py UNIT CREDENTIAL FILE."""

import socket
import sys

unit, credential, answer = sys.argv[1:]
asks = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
asks.bind(f"\0adf9d86b6eda275e/unit/{unit}/{credential}")
asks.connect("/run/aurora/credentials.sock")
asks.shutdown(socket.SHUT_WR)
with open(answer, "wb") as file:
    while chunk := asks.recv(65536):
        file.write(chunk)
