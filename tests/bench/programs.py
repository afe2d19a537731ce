"""Benches in Rust that measure what needs more than processes and sockets: they write their figures to a file."""

import os
import subprocess
import tempfile
from pathlib import Path

# An hour is more than the longest of them takes.
PATIENCE = 3600.0


def measure(bench):
    """Runs each, and takes its figures; quick, as `cargo test --benches` does."""
    for name, program in bench.programs.items():
        with tempfile.TemporaryDirectory(dir=bench.directory) as directory:
            file = Path(directory) / "figures.jsonl"
            file.touch()
            words = [] if bench.is_quick else ["--bench"]
            print(f"  {name}", flush=True)
            environment = os.environ | {"AURORA_BENCH_JSON": str(file)}
            ended = subprocess.run([program, *words], env=environment, timeout=PATIENCE, check=False)
            bench.figures.adopt(file)
            if ended.returncode != 0:
                bench.failed.append(f"{name} ended with {ended.returncode}")
