"""The life of a path, driven by hvac as its users have it: over HTTP, or over the Unix socket with a session of
requests-unixsocket2. Usage: kv_hvac.py URL SERVICE, with VAULT_TOKEN in the environment."""

import os
import sys

import hvac
import requests_unixsocket
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest

url, service = sys.argv[1], sys.argv[2]
token = os.environ["VAULT_TOKEN"]


def client(token, **more):
    session = requests_unixsocket.Session() if url.startswith("http+unix://") else None
    return hvac.Client(url=url, token=token, session=session, **more)


def refused(error, call, *words):
    try:
        call()
    except error as raised:
        assert all(word in str(raised) for word in words), f"{raised} lacks {words}"
        return
    raise AssertionError(f"not refused with {error.__name__}")


def version(number=None):
    answer = kv.read_secret_version(path=service, version=number, raise_on_deleted_version=True)
    return answer["data"]["data"]


good = client(token)
kv = good.secrets.kv.v2

# Who asks, and whether the server is well.
assert good.is_authenticated()
assert not client(token[:-1] + ("a" if token[-1] != "a" else "b")).is_authenticated()
assert good.auth.token.lookup_self()["data"]["type"] == "service"
assert good.auth.token.renew_self()["auth"]["renewable"] is False
assert not good.sys.is_sealed()
assert good.sys.is_initialized()
assert good.sys.read_health_status().status_code == 200  # HEAD, on a connection that is used again
assert good.sys.read_health_status(method="GET")["sealed"] is False
refused(InvalidRequest, good.auth.token.revoke_self, "aurora apikey")

# Written, read, written again.
refused(InvalidPath, version)
stored = kv.create_or_update_secret(path=service, secret={"user": "robot", "key": "not-a-real-key"}, cas=0)
assert stored["data"]["version"] == 1, stored
answer = kv.read_secret_version(path=service, raise_on_deleted_version=True)
assert answer["data"]["data"] == {"user": "robot", "key": "not-a-real-key"}, answer
assert answer["lease_duration"] > 0 and answer["data"]["metadata"]["version"] == 1
assert kv.create_or_update_secret(path=service, secret={"user": "robot", "key": "second"}, cas=1)["data"]["version"] == 2
refused(
    InvalidRequest,
    lambda: kv.create_or_update_secret(path=service, secret={"user": "late"}, cas=1),
    "check-and-set parameter did not match the current version",
)
assert version(1)["key"] == "not-a-real-key" and version(2)["key"] == "second"
assert kv.patch(path=service, secret={"key": "third"})["data"]["version"] == 3
assert version() == {"user": "robot", "key": "third"}
refused(InvalidPath, lambda: version(9))
refused(InvalidRequest, lambda: kv.create_or_update_secret(path=service, secret={"port": 5432}), "bad_value")

# Which paths there are.
assert service in kv.list_secrets(path="")["data"]["keys"]
assert service in good.list("secret/metadata")["data"]["keys"]  # ?list=True
strict = client(token, strict_http=True)
assert service in strict.secrets.kv.v2.list_secrets(path="")["data"]["keys"]

# Deleted, undeleted, destroyed.
kv.delete_latest_version_of_secret(path=service)
refused(InvalidPath, version)
deleted = kv.read_secret_version(path=service, raise_on_deleted_version=False)
assert deleted["data"]["data"] is None and deleted["data"]["metadata"]["deletion_time"], deleted
kv.undelete_secret_versions(path=service, versions=[3])
assert version()["key"] == "third"
kv.delete_secret_versions(path=service, versions=[1, 2, 9])
refused(InvalidPath, lambda: version(1))
refused(InvalidPath, lambda: version(2))
assert version()["key"] == "third"
assert kv.read_secret_metadata(path=service)["data"]["versions"]["2"]["deletion_time"]
kv.undelete_secret_versions(path=service, versions=[1, 2])
assert version(1)["key"] == "not-a-real-key" and version(2)["key"] == "second"
kv.delete_secret_versions(path=service, versions=[3])
kv.undelete_secret_versions(path=service, versions=[3])
kv.destroy_secret_versions(path=service, versions=[1])
refused(InvalidPath, lambda: version(1))
assert version(2)["key"] == "second"

# What is known of it.
kv.update_metadata(path=service, custom_metadata={"owner": "ops", "managed-by": "hvac"})
known = kv.read_secret_metadata(path=service)["data"]
assert known["current_version"] == 3 and known["oldest_version"] == 1, known
assert known["versions"]["1"]["destroyed"] and not known["versions"]["3"]["destroyed"], known
assert known["custom_metadata"] == {"owner": "ops", "managed-by": "hvac"}, known
refused(InvalidRequest, lambda: kv.update_metadata(path=service, max_versions=2), "max_versions")

# Gone for good, and refused to whoever is nobody.
kv.delete_metadata_and_all_versions(path=service)
refused(InvalidPath, version)
refused(InvalidPath, lambda: kv.read_secret_metadata(path=service))
nobody = client("mj_agent_nobody")
refused(Forbidden, lambda: nobody.secrets.kv.v2.read_secret_version(path=service, raise_on_deleted_version=True), "permission denied")
print("the whole life of a path")
