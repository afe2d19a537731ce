"""What `aurora audit proof` prints, checked with hashlib and cryptography alone: the chain of the lines, and the signatures of
node and authority under each seal. Usage: audit_proved.py FILE AUTHORITY, the pin as `aurora audit nodes` prints it."""

import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

authority = sys.argv[2].removeprefix("sha256:")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def signed(key, signature, text):
    load_der_public_key(bytes.fromhex(key)).verify(bytes.fromhex(signature), text.encode(), ec.ECDSA(SHA256()))


def check_seal(seal):
    """What the README of the format says is signed, built here again."""
    assert sha256(bytes.fromhex(seal["public_key"])) == seal["key"], "the key of the node"
    assert sha256(bytes.fromhex(seal["authority"])) == authority, "the key of the authority"
    fields = ("mesh", "node", "seq", "hash", "format", "time", "key")
    statement = "aurora audit head v1\n" + "".join(f"{name} {seal[name]}\n" for name in fields)
    signed(seal["public_key"], seal["signature"], statement)
    sealed = f"aurora audit seal v1\nsealed {seal['sealed_at']}\n{statement}signature {seal['signature']}\n"
    signed(seal["authority"], seal["countersignature"], sealed)


seals, hashes, prev = [], {}, "0" * 64
for record in open(sys.argv[1], "rb").read().splitlines():
    fields = json.loads(record)
    if "journal" in fields:
        node = fields["journal"]["node"]
    elif "seal" in fields:
        seals.append(fields["seal"])
    else:
        assert (fields["seq"], fields["prev"]) == (len(hashes) + 1, prev), fields
        prev = hashes[fields["seq"]] = sha256(record)
assert seals and hashes
for seal in seals:
    check_seal(seal)
    assert seal["node"] == node and hashes[seal["seq"]] == seal["hash"], seal
assert max(seal["seq"] for seal in seals) == len(hashes), "what is behind the last seal is not proved"

# A signature that fits everything would prove nothing.
for name in ("seq", "time", "sealed_at", "mesh"):
    spoiled = {**seals[-1], name: 1 if name == "seq" else "2026-01-01T00:00:00.000Z"}
    try:
        check_seal(spoiled)
    except InvalidSignature:
        continue
    raise AssertionError(f"{name} is not signed")
print(f"{len(hashes)} lines, {len(seals)} seals")
