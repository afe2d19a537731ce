"""An export as CSV and as OCSF says what the same export as JSON Lines says: by Python's csv reader, and by the attributes of
OCSF 1.3.0 in ocsf_1_3_0.json. Usage: audit_exported.py LINES CSV OCSF."""

import csv
import json
import pathlib
import sys

lines, rows, events = (pathlib.Path(name).read_bytes() for name in sys.argv[1:4])
records = [json.loads(line) for line in lines.splitlines()]
assert records


def told(value):
    """A value as its cell shows it, with the apostrophe that makes a formula a text."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


table = list(csv.DictReader(rows.decode().splitlines(keepends=True), strict=True))
assert len(table) == len(records), f"{len(table)} rows for {len(records)} lines"
for row, record in zip(table, records):
    other = json.loads(row.pop("other") or "{}")
    assert set(row) | set(other) >= set(record), f"{record} is not whole in {row}"
    for name, cell in row.items():
        assert cell is not None and cell == told(record.get(name)), (name, cell, record)
        assert cell[:1] not in ("=", "+", "-", "@"), cell

schema = json.loads(pathlib.Path(__file__).with_name("ocsf_1_3_0.json").read_text())
KINDS = {"text": str, "number": int, "truth": bool, "any": object}


def check(value, rules, place):
    """Whether a value has what it must have and nothing that is not in the schema, all of the kind it should be."""
    assert isinstance(value, dict), f"{place}: {value}"
    required = [name for name, kind in rules["attributes"].items() if kind.endswith(" required")]
    assert not set(required) - set(value), f"{place} lacks {set(required) - set(value)}"
    assert not set(value) - set(rules["attributes"]), f"{place} has {set(value) - set(rules['attributes'])}"
    if "at_least_one" in rules:
        assert any(value.get(name) for name in rules["at_least_one"]), f"{place} has none of {rules['at_least_one']}"
    for name, told in value.items():
        kind = rules["attributes"][name].removesuffix(" required")
        is_list = kind.startswith("[")
        for one in told if is_list else [told]:
            check_kind(one, kind.strip("[]"), f"{place}.{name}")
    for name, words in rules.get("words", {}).items():
        number = value.get({"activity_name": "activity_id"}.get(name, f"{name}_id"))
        assert number is None or words[str(number)] == value.get(name), f"{place}.{name}: {number} is {value.get(name)}"


def check_kind(value, kind, place):
    if kind in KINDS:
        assert isinstance(value, KINDS[kind]) and (kind != "number" or not isinstance(value, bool)), f"{place}: {value!r}"
    else:
        check(value, schema["objects"][kind], place)


def refused(event):
    try:
        check(event, schema["classes"][str(event["class_uid"])], "event")
    except AssertionError:
        return True
    return False


events = [json.loads(line) for line in events.splitlines()]
assert len(events) == len(records), f"{len(events)} events for {len(records)} lines"
for event, record in zip(events, records):
    check(event, schema["classes"][str(event["class_uid"])], "event")
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"], event
    assert event["class_uid"] // 1000 == event["category_uid"], event
    assert json.loads(event["raw_data"]) == record and event["metadata"]["sequence"] == record["seq"], event
# A check that lets everything pass would be none.
assert refused({**events[0], "actor": {}, "user": {}}) and refused({**events[0], "time": "now"})
print(f"{len(table)} rows, {len(events)} events, classes {sorted({event['class_uid'] for event in events})}")
