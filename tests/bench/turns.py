"""Comparisons in turns: whatever else the machine does in these seconds hits all sides alike."""

from statistics import median


def taken(rounds, sides):
    """Measures each side once a round; gives the loads of each side, by its name. A side is something to call."""
    loads = {name: [] for name in sides}
    for _ in range(rounds):
        for name, measure in sides.items():
            loads[name].append(measure())
    return loads


def per_second(loads):
    """The median throughput."""
    return median(load.per_second for load in loads)


def share(loads, of):
    """The median of what one side reached of the other in the same round."""
    return median(load.per_second / other.per_second for load, other in zip(loads, of))
