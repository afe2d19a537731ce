"""The programs that make load: oha as programs of others do, our own client that costs next to nothing, redis-benchmark."""

import csv
import io
import json
import subprocess

from node import Trouble

# How long a generator may take beyond what it was asked for; a machine with builds on it starts programs late.
GRACE = 60.0

# Answers to look at before redis-benchmark is told how many to ask for: it knows numbers only, no time.
REDIS_TRIAL = 5_000


class Load:
    """What one run of a generator came to."""

    def __init__(self, per_second, p50_ms, p99_ms):
        self.per_second, self.p50_ms, self.p99_ms = per_second, p50_ms, p99_ms


def run(command, within):
    """What a program prints; its failure is ours."""
    ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=within)
    if ended.returncode != 0:
        raise Trouble(f"{command[0]}: {ended.returncode}: {ended.stderr[-600:]}")
    return ended.stdout


class Generators:
    """Where the generators are, and how long each runs."""

    def __init__(self, oha, references, seconds):
        self.oha_path, self.references, self.seconds = oha, references, seconds

    def oha(self, socket, target, connections, way="kept", bodies=None, a_second=None):
        """HTTP over a Unix socket. `target` is a path, or a file of addresses of which one is drawn for each request, as `bodies` is a file of bodies;
        with `a_second` so many are begun, whether or not others are answered. Every answer must be a yes."""
        command = [self.oha_path, "--no-tui", "--output-format", "json", "--unix-socket", socket,
                   "-z", f"{int(self.seconds * 1000)}ms", "-w", "-c", connections]
        command += ["--disable-keepalive"] if way == "anew" else []
        command += ["-m", "POST", "-T", "application/json", "-Z", bodies] if bodies else []
        command += ["-q", int(a_second), "--latency-correction"] if a_second else []
        command += [f"http://localhost{target}"] if isinstance(target, str) else ["--urls-from-file", target]
        told = json.loads(run(command, self.seconds + GRACE))
        statuses, errors = told["statusCodeDistribution"], told.get("errorDistribution") or {}
        if set(statuses) != {"200"} or errors:
            raise Trouble(f"oha at {socket}: answered {statuses}, failed {errors}")
        latency = told["latencyPercentiles"]
        return Load(told["summary"]["requestsPerSec"], latency["p50"] * 1000, latency["p99"] * 1000)

    def lean(self, socket, target, connections, way="kept"):
        """The same by a client that does nothing else."""
        told = json.loads(run([self.references, "ask", socket, target, connections, self.seconds, way],
                              self.seconds + GRACE))
        return Load(told["per_second"], told["p50_ms"], told["p99_ms"])

    def redis(self, socket, connections, value_bytes):
        """GET of one key, one request at a time on each connection."""
        def benchmark(test, count):
            text = run(["redis-benchmark", "-s", socket, "-c", connections, "-n", count, "-d", value_bytes, "-P", 1,
                        "-t", test, "--csv"], self.seconds * 20 + GRACE)
            row = next(csv.DictReader(io.StringIO(text)))
            return Load(float(row["rps"]), float(row["p50_latency_ms"]), float(row["p99_latency_ms"]))
        benchmark("set", 100)
        trial = benchmark("get", REDIS_TRIAL)
        return benchmark("get", max(REDIS_TRIAL, int(trial.per_second * self.seconds)))
