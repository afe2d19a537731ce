"""What is promised: for each figure the bound that it is held against, where it was measured at this."""

import operator

AT_LEAST, UNDER, AT_MOST = ">=", "<", "<="
HOLDS = {AT_LEAST: operator.ge, UNDER: operator.lt, AT_MOST: operator.le}

# Figure, where it is measured (every word must agree; others may be there), which side of the bound, the bound.
TARGETS = (
    ("read_share_of_bare", {"connections": 1, "way": "kept", "client": "oha"}, AT_LEAST, 0.60),
    ("read_share_of_bare", {"connections": 16, "way": "kept", "client": "oha"}, AT_LEAST, 0.60),
    ("read_share_of_bare", {"way": "anew", "client": "oha"}, AT_LEAST, 0.50),
    ("read_p99", {"connections": 16, "way": "kept", "client": "oha"}, UNDER, 0.5),
    ("read_share_of_hundred", {"secrets": 1_000_000}, AT_LEAST, 0.90),
    ("follower_idle", {"secrets": 100}, UNDER, 12.0),
    ("memory_per_secret", {}, UNDER, 1024.0),
    ("binary", {}, UNDER, 20.0),
    ("start_to_first_read", {}, UNDER, 100.0),
    ("get_process", {}, UNDER, 8.0),
)


def target(record):
    """Which side and which bound hold for a figure; nothing if nothing is promised about it."""
    if "target" in record:
        # A bench that knows its own promise says it as text, such as "< 20".
        side, bound = record["target"].split()
        return side, float(bound)
    for figure, at, side, bound in TARGETS:
        if figure == record["figure"] and at.items() <= record["at"].items():
            return side, bound
    return None


def judged(record):
    """Whether a promise is kept; nothing if there is none."""
    promised = target(record)
    return None if promised is None else HOLDS[promised[0]](record["value"], promised[1])
