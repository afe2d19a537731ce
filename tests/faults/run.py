"""Plays rows of the table of faults and tells what became of each: run.py BINARY quick|full|ROW… [--json FILE].

The exit code says whether every promise was kept: 1 if one was broken, 3 if a row could not be played here, which
`--absent` allows. `--count N` sets how much of each row is done, `--seed N` repeats the choices of an earlier run,
`--keep` leaves the files of a row whose promise was broken, `--in DIR` says where to work."""

import argparse
import datetime
import importlib
import json
import os
import sys
import tempfile
import time
import traceback

from rows import ROWS, NotHere, Place

# Each of them adds its rows to the table.
PARTS = ("rows_death", "rows_beginning", "rows_reign", "rows_disk", "rows_odd_disk", "rows_power", "rows_resources",
         "rows_network", "rows_line")
for part in PARTS:
    importlib.import_module(part)


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("rows", nargs="+", help="quick, full, or names of rows or their beginnings")
    parser.add_argument("--json")
    parser.add_argument("--count", type=int)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--absent", action="store_true", help="rows that cannot be played here do not count")
    parser.add_argument("--in", dest="directory")
    parser.add_argument("--only", default="fault_", help="the beginnings of the names of what quick and full mean")
    return parser.parse_args()


def chosen(asked):
    """The rows that are meant, in order, and how much of them is done."""
    if asked.rows in (["quick"], ["full"]):
        return [name for name in sorted(ROWS) if name.startswith(tuple(asked.only.split(",")))], asked.rows[0]
    names = [name for name in sorted(ROWS) if any(name.startswith(beginning) for beginning in asked.rows)]
    if not names:
        sys.exit(f"no row is called {' or '.join(asked.rows)}; there are:\n  " + "\n  ".join(sorted(ROWS)))
    return names, "full"


def play(name, scale, asked, directory):
    """One row; what became of it."""
    work, counts = ROWS[name]
    place = Place(os.path.abspath(asked.binary), directory, name, asked.seed)
    began, result, told = time.monotonic(), "kept", {}
    try:
        told = work(place, asked.count or counts[scale])
    except NotHere as reason:
        result, told = "not here", {"why": str(reason)}
    except Exception as error:  # whatever it is, the row is broken and the next is played
        result, told = "BROKEN", {"why": f"{type(error).__name__}: {error}"}
        traceback.print_exc()
    place.leave(keep=asked.keep and result == "BROKEN")
    return {"row": name, "result": result, "seconds": round(time.monotonic() - began, 1), "figures": told}


def main():
    """Plays and tells."""
    asked = arguments()
    names, scale = chosen(asked)
    parent = asked.directory or tempfile.mkdtemp(prefix="aurora-faults-")
    print(f"{len(names)} rows, seed {asked.seed}", flush=True)
    results = []
    for name in names:
        results.append(play(name, scale, asked, parent))
        print(line(results[-1]), flush=True)
    if not asked.directory and not asked.keep:
        os.rmdir(parent)
    if asked.json:
        about = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(), "seed": asked.seed, "rows": results}
        with open(asked.json, "w", encoding="utf-8") as file:
            json.dump(about, file, indent=1)
    broken = [result["row"] for result in results if result["result"] == "BROKEN"]
    absent = [result["row"] for result in results if result["result"] == "not here"]
    print(f"\n{len(results)} rows, {len(broken)} broken, {len(absent)} not possible here.")
    sys.exit(1 if broken else 3 if absent and not asked.absent else 0)


def line(result):
    """A row of the table that is printed."""
    figures = ", ".join(f"{name}: {value}" for name, value in result["figures"].items())
    return f"{result['result']:8}  {result['row']:44}  {result['seconds']:7.1f} s  {figures}"


if __name__ == "__main__":
    main()
