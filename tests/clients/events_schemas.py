"""Every event a node has is what its published schema says, by jsonschema. Usage: events_schemas.py SOCKET. Prints the
types it saw."""

import sys

import httpx
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

node = httpx.Client(transport=httpx.HTTPTransport(uds=sys.argv[1]), base_url="http://aurora")


def got(path, **query):
    answer = node.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


judges = {}
for kind in got("/api/events/types")["types"]:
    Draft202012Validator.check_schema(kind["schema"])
    judges[kind["type"]] = Draft202012Validator(kind["schema"], format_checker=Draft202012Validator.FORMAT_CHECKER)
assert len(judges) >= 30, sorted(judges)

events, cursor = [], {}
while cursor is not None:
    page = got("/api/events/history", limit=7, **cursor)
    events += page["events"]
    cursor = {"cursor": page["next_cursor"]} if page.get("next_cursor") else None
assert len({event["id"] for event in events}) == len(events), "an id is there twice"
for event in events:
    judges[event["type"]].validate(event)

# A judge that takes everything would be none.
told = next(event for event in events if event["type"].startswith("secret."))
for spoiled in ({**told, "id": "evt_1"}, {**told, "type": "data.created"}, {**told, "data": {}}, {**told, "timestamp": "now"}):
    try:
        judges[told["type"]].validate(spoiled)
    except ValidationError:
        continue
    raise AssertionError(f"the schema takes {spoiled}")
print(*sorted({event["type"] for event in events}))
