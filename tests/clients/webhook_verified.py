"""A message as it came to a receiver, verified by the library of Standard Webhooks. Reads {"secrets","headers","body"} as JSON
from standard input; says of each secret whether the message was signed with it."""

import json
import sys

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

came = json.load(sys.stdin)


def verifies(secret, headers, body):
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


told = [verifies(secret, came["headers"], came["body"]) for secret in came["secrets"]]
for secret in came["secrets"]:
    assert not verifies(secret, came["headers"], came["body"].replace("{", "{ ", 1)), "another body"
    assert not verifies(secret, {**came["headers"], "webhook-id": "evt_0"}, came["body"]), "another id"
print(json.dumps(told))
