"""Fetches X.509 identities with the SPIFFE client of PyPI, checks them against the bundle, and tells of each update.

spiffe_fetch.py SOCKET: one line of JSON for each, until standard input ends.
"""

import json
import sys
import threading

from cryptography.hazmat.primitives import serialization
from spiffe import TrustDomain, WorkloadApiClient, X509Source


def tell(how, svid, bundle):
    """One line about an identity, after it was checked: signed by an authority of its bundle, and the key is its own."""
    authorities = list(bundle.x509_authorities)
    assert len(authorities) == 1, authorities
    svid.leaf.verify_directly_issued_by(authorities[0])
    encoding = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert svid.private_key.public_key().public_bytes(*encoding) == svid.leaf.public_key().public_bytes(*encoding)
    line = {"how": how, "id": str(svid.spiffe_id), "serial": str(svid.leaf.serial_number)}
    print(json.dumps(line), flush=True)


def main():
    address = "unix://" + sys.argv[1]
    with WorkloadApiClient(socket_path=address) as client:
        context = client.fetch_x509_context()
        domain = context.default_svid.spiffe_id.trust_domain
        tell("fetched", context.default_svid, context.x509_bundle_set.get_bundle_for_trust_domain(domain))
        bundles = client.fetch_x509_bundles()
        assert bundles.get_bundle_for_trust_domain(TrustDomain(str(domain))) is not None
    with X509Source(socket_path=address, timeout_in_seconds=20) as source:
        changed = threading.Condition()

        def updated():
            with changed:
                changed.notify_all()

        source.subscribe_for_updates(updated)
        done = threading.Event()

        def watch_input():
            sys.stdin.read()
            done.set()
            updated()

        threading.Thread(target=watch_input, daemon=True).start()
        last = None
        while not done.is_set():
            svid = source.get_x509_context().default_svid
            if svid.leaf.serial_number != last:
                last = svid.leaf.serial_number
                tell("sourced", svid, source.get_bundle_for_trust_domain(svid.spiffe_id.trust_domain))
            with changed:
                changed.wait(timeout=0.2)


if __name__ == "__main__":
    main()
