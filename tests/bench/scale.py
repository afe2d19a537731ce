"""How much is done: a second of everything to see that it works, or enough of it to judge by."""

from dataclasses import dataclass


@dataclass
class Scale:
    """One way to run all of it."""

    seconds: float  # of one run of a generator
    rounds: int  # how often the two sides of a comparison take turns
    held: tuple  # secrets, along the curve
    connections: tuple  # of one user: a node gives a user 256, and somebody may look at its health
    sizes: tuple  # bytes of a value, up to the limit
    starts: int  # processes that are started and timed, of each kind
    cached: int  # secrets on the follower that is started


QUICK = Scale(0.5, 1, (100, 1_000), (1, 16), (50, 4_096), 3, 1_000)
FULL = Scale(2.0, 5, (100, 1_000, 10_000, 100_000, 1_000_000), (1, 4, 16, 64, 250),
             (50, 256, 1_024, 4_096, 16_384, 65_536), 50, 10_000)
SCALES = {"quick": QUICK, "full": FULL}
