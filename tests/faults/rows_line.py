"""Rows 41 to 43: what a bad line does to packets, by a relay between followers and their lead."""

import time

from node import Trouble, free_port
from relay import Relay, Weather
from rows import row
from rows_network import FOLLOWERS, converged, revoked_within, seconds, surely
from workload import Workload


def relayed(place):
    """A lead whose followers reach it over a relay, and two of them."""
    port, own = free_port(), free_port()
    relay = Relay(("127.0.0.1", port), ("127.0.0.1", own), place.seed)
    place.leaving.append(relay.close)
    lead = place.node("aurora")
    ended = lead.run(["init", "--listen", f"127.0.0.1:{own}", "--advertise", f"127.0.0.1:{port}", *lead.places()])
    if ended.returncode != 0:
        raise Trouble(f"init: {ended.stderr.decode()}")
    lead.start()
    followers = [place.follower(lead, name) for name in FOLLOWERS[:2]]
    return relay, lead, followers


def under(place, weather, count):
    """Writers and readers in bad weather, a deletion in the middle of it, and everybody equal afterwards."""
    relay, lead, followers = relayed(place)
    relay.weather = weather
    revoked = []
    for number in range(count):
        load = Workload(place.history, lead, followers, seed=f"{place.seed}.{number}", clients=3, pause=0.02).start()
        time.sleep(3)
        load.stop()
        revoked.append(surely(revoked_within(place, lead, followers, f"relayed{number}")))
    relay.weather = Weather()
    back = converged(place, lead, followers)
    done = {name: number for name, number in relay.counts.items() if number and name != "passed"}
    if not done:
        raise Trouble("the line was good: the row shows nothing")
    return {"packets passed": relay.counts["passed"], **done, "deleted everywhere within": seconds(max(revoked)),
            "equal after": seconds(back), "acknowledged": place.history.counts["ok"],
            "reads": place.history.counts["read"], "broken promises": 0}


@row(quick=1, full=10)
def fault_41_late_and_out_of_order(place, count):
    """Every packet comes up to half a second late, so most overtake one another."""
    return under(place, Weather(delay=0.01, jitter=0.5), count)


@row(quick=1, full=10)
def fault_41_doubled_and_spoiled(place, count):
    """Three of ten packets come twice, one of ten with flipped bits, one of twenty never."""
    return under(place, Weather(repeat=0.3, spoil=0.1, lose=0.05, jitter=0.05), count)


@row(quick=1, full=10)
def fault_42_narrow_line(place, count):
    """Only packets of up to 1,200 bytes come through, as QUIC asks at least, at 64 kbit/s for each direction."""
    return under(place, Weather(bytes_max=1200, bytes_per_second=8000), count)


@row(quick=1, full=3)
def fault_42_line_too_narrow_for_quic(place, count):
    """No packet of more than 600 bytes comes through, for 20 s: followers serve what they have, and come back
    afterwards."""
    relay, lead, followers = relayed(place)
    back = 0.0
    for number in range(count):
        load = Workload(place.history, lead, followers, seed=f"{place.seed}.{number}", clients=2, pause=0.02).start()
        relay.weather = Weather(bytes_max=600)
        time.sleep(20)
        load.stop()
        relay.weather = Weather()
        back = max(back, converged(place, lead, followers))
    return {"times": count, "too long": relay.counts["too long"], "healed within": seconds(back),
            "reads meanwhile": place.history.counts["read"], "broken promises": 0}


@row(quick=3, full=30)
def fault_43_other_addresses(place, count):
    """The lead sees every follower at another port from one moment to the next, in the middle of a stream of
    changes."""
    relay, lead, followers = relayed(place)
    longest = 0.0
    for number in range(count):
        load = Workload(place.history, lead, followers, seed=f"{place.seed}.{number}", clients=2, pause=0.02).start()
        time.sleep(0.5)
        relay.move()
        time.sleep(0.2)
        load.stop()
        longest = max(longest, surely(revoked_within(place, lead, followers, f"moved{number}")))
    converged(place, lead, followers)
    return {"moves": relay.counts["moved"], "deleted everywhere within": seconds(longest), "broken promises": 0}
