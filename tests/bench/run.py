"""Measures a node beside what limits it, and prints one table: run.py AURORA REFERENCES quick|full [--json FILE].

`--only PART…` takes some of the parts, `--oha PATH` says where the generator is, `--program NAME=PATH` adds a bench in
Rust, `--in DIR` says on which disk the nodes live. The exit code is 1 if a promise is not kept; quick judges nothing."""

import argparse
import os
import signal
import sys
from pathlib import Path

# Nodes are driven as in the campaigns of faults.
sys.path.append(str(Path(__file__).resolve().parent.parent / "faults"))

import growth
import memory
import programs
import reads
import writes
from figures import Figures
from load import Generators
from scale import SCALES
from table import missed, table

# What is measured, in this order.
PARTS = {"reads": reads, "memory": memory, "writes": writes, "growth": growth, "programs": programs}


class Bench:
    """What every part needs."""

    def __init__(self, asked):
        self.binary, self.directory = os.path.abspath(asked.aurora), asked.directory
        self.is_quick, self.scale = asked.mode == "quick", SCALES[asked.mode]
        self.generators = Generators(asked.oha, os.path.abspath(asked.references), self.scale.seconds)
        self.figures, self.failed = Figures(asked.mode), []
        self.programs = dict(program.split("=", 1) for program in asked.program)


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("aurora")
    parser.add_argument("references")
    parser.add_argument("mode", choices=list(SCALES))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--oha", default="oha")
    parser.add_argument("--program", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--in", dest="directory")
    return parser.parse_args()


def main():
    """Measures, tells, and judges."""
    # Told to end, it ends its servers too: they know nothing of their parent.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    asked = arguments()
    bench = Bench(asked)
    print(f"{asked.mode}, {os.cpu_count()} cores, load {bench.figures.load_before:.1f}", flush=True)
    for name in asked.only:
        print(f"  {name}", flush=True)
        PARTS[name].measure(bench)
        if asked.json:
            # Also what a later part cannot spoil any more.
            bench.figures.write(asked.json)
    records = bench.figures.records
    print("\n" + table(records, not bench.is_quick))
    not_kept = [] if bench.is_quick else [f"{record['figure']} {record['at']}" for record in missed(records)]
    for text in not_kept + bench.failed:
        print(f"not kept: {text}")
    sys.exit(1 if not_kept or bench.failed else 0)


if __name__ == "__main__":
    main()
