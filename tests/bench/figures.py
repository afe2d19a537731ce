"""What was measured: one record for each figure, in the shape that the Rust benches write to AURORA_BENCH_JSON too."""

import datetime
import json
import os
import platform


class Figures:
    """Figures in the order in which they were found."""

    def __init__(self, mode):
        self.mode, self.records = mode, []
        self.began = datetime.datetime.now(datetime.timezone.utc)
        self.load_before = os.getloadavg()[0]

    def note(self, figure, unit, value, **at):
        """Keeps a figure and shows it at once: some runs take an hour."""
        record = {"figure": figure, "unit": unit, "value": round(value, 4), "at": at}
        self.records.append(record)
        where = ", ".join(f"{name} {what}" for name, what in at.items())
        print(f"    {figure} ({where}): {record['value']:,} {unit}".replace(" ()", ""), flush=True)
        return value

    def adopt(self, path):
        """Takes the figures that another program wrote, a line of JSON each."""
        if path.exists():
            self.records += [json.loads(line) for line in path.read_text().splitlines() if line.strip()]

    def value(self, figure, **at):
        """A figure that is there, or nothing."""
        found = [record["value"] for record in self.records if record["figure"] == figure and record["at"] == at]
        return found[-1] if found else None

    def write(self, path):
        """All of it as JSON, with what one needs to know to compare it."""
        about = {"date": self.began.isoformat(timespec="seconds"), "mode": self.mode, "cores": os.cpu_count(),
                 "kernel": platform.release(), "load_before": round(self.load_before, 2),
                 "load_after": round(os.getloadavg()[0], 2), "figures": self.records}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
