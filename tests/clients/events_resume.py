"""A stream of events that is cut and resumed tells each event once and in order, by httpx-sse. Usage: events_resume.py
SOCKET COUNT. Publishes events itself and reads a few of them from each connection."""

import sys

import httpx
from httpx_sse import connect_sse

count = int(sys.argv[2])
node = httpx.Client(transport=httpx.HTTPTransport(uds=sys.argv[1]), base_url="http://aurora", timeout=30)


def publish(number):
    answer = node.post("/api/events", json={"type": "data.created", "data": {"number": number}})
    assert answer.status_code == 200, answer.text


def read(some, behind):
    """The next events behind an id, and the id of the last."""
    header = {} if behind is None else {"Last-Event-ID": behind}
    heard = []
    with connect_sse(node, "GET", "/api/events", params={"type": "data.created"}, headers=header) as stream:
        if behind is None:
            publish(0)
        for event in stream.iter_sse():
            if event.event == "data.created":
                assert event.id and event.json()["type"] == "data.created", event
                heard.append(event.json()["data"]["number"])
                behind = event.id
                if len(heard) == some:
                    return heard, behind


numbers, last = read(1, None)
for number in range(1, count):
    publish(number)
while len(numbers) < count:
    more, last = read(min(7, count - len(numbers)), last)
    numbers += more
assert numbers == list(range(count)), numbers
print(f"{len(numbers)} events, each once")
