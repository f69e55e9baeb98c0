# SPDX-License-Identifier: MIT
"""A start with very many stored trades: how long from the process to `ready`, after kill -9 behind the last ack and after a stop."""
import re
import statistics
import time

from measure.daemon import Daemon
from measure.figures import table
from measure.load import drive

PACE = 100_000
MORE = 3_000_000    # before each kill, so that alerts, indexes and the snapshot are behind
ALLOWED_SECONDS = 10
READ = re.compile(r"read the log trades=(\d+) alerts=\d+ missing_alerts_stored=(\d+) snapshot=\d+ records=(\d+) ms=(\d+)")


def timed_start(daemon):
    begun = time.monotonic()
    daemon.said.clear()
    daemon.start()
    seconds = time.monotonic() - begun
    read = next(found for found in map(READ.search, daemon.said) if found)
    return {"seconds": seconds, "trades": int(read[1]), "missing": int(read[2]), "records": int(read[3]),
            "read_seconds": int(read[4]) / 1000}


def measure(bench):
    stored, more = (1_000_000, 300_000) if bench.quick else (100_000_000, MORE)
    killed, trades = [], stored
    with Daemon(bench, "exposure/remark=1") as daemon:
        drive(bench, daemon, "throughput", 3600, name="first", eyes=False, trades=stored)
        for number in range(bench.repeat):
            drive(bench, daemon, "throughput", 600, name=f"more{number}", eyes=False, trades=more, offset=trades / PACE)
            trades += more
            daemon.process.kill()
            daemon.process.wait()
            killed.append(timed_start(daemon))
            bench.keep("start", "killed", killed[-1])
        daemon.settle()
        daemon.stop()
        return killed, bench.keep("start", "stopped", timed_start(daemon))


def _row(what, runs):
    middle = lambda key: statistics.median(run[key] for run in runs)
    seconds = [run["seconds"] for run in runs]
    return [what, f"{runs[-1]['trades']:,}", f"{middle('records'):,.0f}", f"{middle('missing'):,.0f}",
            f"{statistics.median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})", f"{middle('read_seconds'):.1f} s"]


def run(bench):
    bench.say("start: storing trades")
    killed, stopped = measure(bench)
    longest = max(run["seconds"] for run in (*killed, stopped))
    verdict = "kept" if longest < ALLOWED_SECONDS else "NOT KEPT"
    return ["\n### A start with what is stored\n",
            *table(["before it", "trades stored", "records to read", "alerts to store", "ready after", "of it, reading"],
                   [_row("kill -9 behind the last ack", killed), _row("a stop, with nothing to do", [stopped])]),
            f"\nThe longest took {longest:.1f} s; under {ALLOWED_SECONDS} s is promised: {verdict}."]
