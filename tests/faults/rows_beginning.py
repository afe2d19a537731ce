"""Row 4: a node dies while it begins to be one."""

import signal

from inject import CALLS, killed_at
from node import Trouble, free_port
from operations import JoinKilled
from rows import row

# The calls by which a command that begins a node leaves something behind.
BEGINNING = ("write,pwrite64", "fsync,fdatasync", CALLS["name"] + ",mkdir", CALLS["gone"], "openat")


@row(quick=3, full=60)
def fault_04_kill_of_newcomer_in_join(place, count):
    """kill -9 of the node that joins, at every call that writes or names a file; then it tries again with its token."""
    lead = place.lead()
    operation = JoinKilled(place, lead)
    kills = 0
    for calls in (*BEGINNING, CALLS["peer"]):
        for number in range(1, count + 1):
            operation.prepare()
            operation.kill_at(calls, number)
            outcome = operation.act()
            operation.check(outcome)
            if outcome == "ok":
                break
            kills += 1
    place.history.check(lead)
    return {"kills": kills, "tokens used up without a node": 0, "second tries that failed": 0}


@row(quick=3, full=60)
def fault_04_kill_in_init(place, count):
    """kill -9 of `aurora init` at every call that writes or names a file; then it is typed again, and the lead
    starts."""
    kills = 0
    for calls in BEGINNING:
        for number in range(1, count + 1):
            lead = place.node(f"lead{kills}")
            address = f"127.0.0.1:{free_port()}"
            arguments = ["init", "--listen", address, "--advertise", address, *lead.places()]
            done = lead.run(arguments, wrap=killed_at(place.trace(), calls, number)).returncode == 0
            if not done:
                kills += 1
                again = lead.run(arguments).stderr.decode()
                if again and "this machine has a node already" not in again:
                    raise Trouble(f"killed at the {number}. of {calls}, and then: {again}")
            lead.start().checked()
            lead.end(signal.SIGKILL)
            if done:
                break
    return {"kills": kills, "second tries that failed": 0}
