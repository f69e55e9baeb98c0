# SPDX-License-Identifier: MIT
"""One thread: the log of a store judged again with all five rules, a CSV judged, a CSV published."""
import json
import subprocess
import tempfile
import time

from measure.daemon import Daemon, clean_environment
from measure.figures import spread, table
from measure.load import drive

DAY_TRADES = 654_140


def tool(bench, *arguments):
    """A command's last JSON object, and how long it took from start to end."""
    begun = time.monotonic()
    done = subprocess.run([bench.program("tapewarden"), *map(str, arguments)], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=True, env=clean_environment())
    return json.loads(done.stdout.splitlines()[-1]), time.monotonic() - begun


def replay(bench, *what):
    said, _ = tool(bench, "replay", *what, "--json", "--summary")
    return {"trades_per_second": said["trades"] / said["seconds"], "trades": said["trades"], "alerts": said["alerts"]}


def import_csv(bench, tape, lines):
    """`tapewarden publish` from its start to its end: all of the file is durable then."""
    with Daemon(bench, "exposure/remark=1") as daemon:
        _, took = tool(bench, "publish", tape, "--json", *daemon.options())
    return {"trades_per_second": lines / took, "trades": lines, "alerts": 0}


def run(bench):
    trades, part, stored = (200_000, 4, 200_000) if bench.quick else (3_000_000, 1, 15_000_000)
    with tempfile.TemporaryDirectory(prefix="tapewarden-bench-", dir=bench.directory) as directory:
        tapes = [("synthetic", bench.synthetic(directory, trades), trades, {})]
        if bench.desk():
            tapes.append(("desk day", bench.desk(), DAY_TRADES // part, {"tape": bench.desk()}))
        rows = []
        for flow, tape, lines, options in tapes:
            with Daemon(bench, "exposure/remark=1") as daemon:
                drive(bench, daemon, "throughput", 600, eyes=False, trades=lines if options else stored, **options)
                daemon.stop()
                replay(bench, "--data", daemon.data)    # warm: from now on the store is in the page cache
                cases = [(f"{flow}: replay of a store", lambda data=daemon.data: replay(bench, "--data", data)),
                         (f"{flow}: replay of a CSV", lambda tape=tape: replay(bench, tape)),
                         (f"{flow}: publish of a CSV", lambda tape=tape, lines=lines: import_csv(bench, tape, lines))]
                if lines < DAY_TRADES and options:      # of a part of the day there is a store, but no CSV
                    cases = cases[:1]
                runs = bench.repeated("replay", cases, lambda work: work())
            rows += [[name, f"{results[0]['trades']:,}", spread(results, "trades_per_second")] for name, results in runs.items()]
    return ["\n### Replay and import: one thread, five rules, remark 1 s\n",
            "A store that was read before; a CSV from its first line to its last, reading it included; `publish` from its start "
            "until all of it is durable in a daemon.\n", *table(["what", "trades", "trades or lines/s"], rows)]
