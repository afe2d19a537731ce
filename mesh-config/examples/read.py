#!/usr/bin/env python3
"""Reads a credential from the node on this machine, where a program used to look into its environment.

    pip install requests requests-unixsocket2

    python3 read.py openai/api_key
        asks on the Unix socket: the kernel says who this program is, and no key is needed

    AURORA_URL=http://127.0.0.1:8003 AURORA_TOKEN_FILE=worker.key python3 read.py openai/api_key
        asks on loopback ([api] listen), with the API key in that file

AURORA_COMPANY names the company on whose behalf it is read, AURORA_SOCKET another socket. What is printed is about the
credential, never the credential.
"""

import os
import sys
from pathlib import Path
from urllib.parse import quote

import requests
import requests_unixsocket

SOCKET = os.environ.get("AURORA_SOCKET", "/run/aurora/agent.sock")


def session() -> tuple[requests.Session, str]:
    """How the node is asked: a session, and the URL its paths begin with."""
    url = os.environ.get("AURORA_URL")
    if url is None:
        return requests_unixsocket.Session(), "http+unix://" + quote(SOCKET, safe="")
    over_loopback = requests.Session()
    # No proxy, whatever the environment says: the request would be refused, and the key is meant for this machine.
    over_loopback.trust_env = False
    over_loopback.headers["X-Aurora-Request"] = "true"
    over_loopback.headers["X-API-Key"] = Path(os.environ["AURORA_TOKEN_FILE"]).read_text().strip()
    return over_loopback, url


def read(name: str) -> requests.Response:
    """The answer about SERVICE/KEY_NAME. Ask again for each use: the node has it in memory, and knows when it was rotated."""
    asked, base = session()
    company = os.environ.get("AURORA_COMPANY")
    headers = {"X-Company-Id": company} if company else {}
    return asked.get(f"{base}/api/secrets/{name}", headers=headers, timeout=10)


def main() -> int:
    try:
        answer = read(sys.argv[1])
    except requests.ConnectionError as error:
        print(f"no node answers: {error}", file=sys.stderr)
        return 1
    if answer.status_code != 200:
        error = answer.json()["error"]
        print(f"{error['code']}: {error['message']}. {error['hint']}", file=sys.stderr)
        return 1
    secret = answer.json()
    # Here the program goes on with secret["key_value"].
    length, served = len(secret["key_value"]), answer.headers["X-Cache"]
    print(f"{sys.argv[1]} version {secret['version']}: {length} characters, {served}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
