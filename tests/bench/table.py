"""The table that is printed in the end: what was measured, what was promised, and whether that is so."""

from targets import judged, target

HEAD = ("figure", "at", "measured", "target", "met")


def table(records, is_judged):
    """A line of text for each figure, in columns; what has a promise first."""
    promised = [record for record in records if target(record)]
    rows = [row(record, is_judged) for record in promised]
    rows += [row(record, is_judged) for record in records if record not in promised]
    widths = [max(len(line[column]) for line in [HEAD, *rows]) for column in range(len(HEAD))]
    ruled = [HEAD, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in ruled)


def row(record, is_judged):
    """One figure."""
    where = ", ".join(f"{what} {name}" if isinstance(what, int) else str(what) for name, what in record["at"].items())
    side, bound = target(record) or ("", None)
    kept = judged(record)
    met = "" if kept is None else "not judged" if not is_judged else "yes" if kept else "NO"
    return (record["figure"], where, shown(record["value"], record["unit"]),
            "" if bound is None else f"{side} {shown(bound, record['unit'])}", met)


def shown(value, unit):
    """A value with its unit, as exact as it is worth."""
    if unit == "ratio":
        return f"{value * 100:.1f} %"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 20 else 3 if abs(value) < 2 else 2
    return f"{value:,.{digits}f} {unit}"


def missed(records):
    """The figures whose promise is not kept."""
    return [record for record in records if judged(record) is False]
