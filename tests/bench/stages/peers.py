# SPDX-License-Identifier: MIT
"""What people would use instead, with the same trades, in turns with Tapewarden, as far as each goes."""
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

from measure.daemon import Daemon
from measure.figures import spread, table
from measure.load import drive
from peers import nats_jetstream, python_rules, redis_streams, sqlite_triggers

PEERS = (redis_streams, nats_jetstream, sqlite_triggers, python_rules)
SETTINGS = ("exposure/remark=1",)


def ours(bench, tape, form):
    with Daemon(bench, *SETTINGS) as daemon:
        return drive(bench, daemon, "throughput", 600, settle=5.0, tape=tape, trades=trades_of(bench), **form)


def theirs(bench, peer, tape):
    trades, took = peer.measure(bench, tape)
    return {"trades": trades, "trades_per_second": trades / took}


def trades_of(bench):
    return 50_000 if bench.quick else 500_000


def here(peer):
    """Debian keeps some servers where not everybody's PATH goes."""
    return peer.PROGRAM is None or shutil.which(peer.PROGRAM, path=os.environ.get("PATH", "") + ":/usr/sbin") is not None


def versions():
    found = [f"SQLite {sqlite3.sqlite_version}", f"Python {sys.version.split()[0]}"]
    for program in sorted(peer.PROGRAM for peer in PEERS if peer.PROGRAM and here(peer)):
        said = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        found.append(f"{program} {re.search(r'[0-9]+(?:[.][0-9]+)+', said).group()}")
    return ", ".join(found)


def run(bench):
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin"
    lacks, cases, absent = {}, [], []
    with tempfile.TemporaryDirectory(prefix="tapewarden-bench-", dir=bench.directory) as directory:
        tape = bench.synthetic(directory, trades_of(bench))
        for name, form in (("Tapewarden, columns", {}), ("Tapewarden, rows, 100 a message", {"form": "rows", "batch": 100})):
            lacks[name] = "all five rules, acks after fsync, alerts with their evidence at a subscriber"
            cases.append((name, lambda form=form: ours(bench, tape, form)))
        for peer in PEERS:
            if here(peer):
                lacks[peer.NAME] = peer.LACKS
                cases.append((peer.NAME, lambda peer=peer: theirs(bench, peer, tape)))
            else:
                absent.append([peer.NAME, f"not here: apt-get install {peer.PACKAGE}", "", peer.LACKS])
        runs = bench.repeated("peers", cases, lambda work: work())
    rows = [[name, f"{results[0]['trades']:,}", spread(results, "trades_per_second"), lacks[name]] for name, results in runs.items()]
    return ["\n### Peers: the same synthetic trades, one process that publishes\n", f"{versions()}.\n",
            *table(["what", "trades", "trades/s", "what it does, or does not"], rows + absent)]
