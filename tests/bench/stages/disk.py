# SPDX-License-Identifier: MIT
"""Bytes on the disk for a trade, and how often each of them is written."""
from measure.daemon import Daemon
from measure.figures import median, spread, table
from measure.load import drive
from measure import proc

SYNTHETIC_TRADES, DAYS, DAY_TRADES = 20_000_000, 20, 654_140     # enough that RocksDB compacts


def measure(bench, options):
    with Daemon(bench, "exposure/remark=1") as daemon:
        result = drive(bench, daemon, "throughput", 3600, **options)
        daemon.stop()
        result["left"] = proc.disk(daemon.data) / result["trades"]
    result["amplification"] = result["written"] / result["left"]
    return result


def run(bench):
    trades = SYNTHETIC_TRADES // (20 if bench.quick else 1)
    cases = [(f"synthetic, {trades:,} trades", {"trades": trades})]
    if bench.desk():
        often = "a quarter of it" if bench.quick else f"{DAYS} times"
        trades = DAY_TRADES // 4 if bench.quick else DAYS * DAY_TRADES
        cases.append((f"desk day, {often}, with venues and ids", {"tape": bench.desk(), "trades": trades}))
    runs = bench.repeated("disk", cases, lambda options: measure(bench, options))
    return ["\n### Disk\n", "After a clean stop: log, indexes, alerts and snapshots. Written: what /proc/PID/io says until the "
            "daemon is idle; amplification: that for each byte that is left (little of it while all fits into RocksDB's buffers).\n",
            *table(["flow", "bytes a trade left", "written a trade", "amplification"],
                   [[name, spread(results, "left"), spread(results, "written"), f"{median(results, 'amplification'):.2f}"]
                    for name, results in runs.items()])]
