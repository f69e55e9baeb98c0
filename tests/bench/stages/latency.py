# SPDX-License-Identifier: MIT
"""Latency, open loop: from when a trade was due to its alert and to its ack. In turns with a floor that only does
PULL -> append and sync -> PUB, from the same publisher to the same subscriber, by the same clock; on one thread, and on three as
the daemon's receiver, writer and publishers are."""
from measure.daemon import Daemon, Floor
from measure.figures import median, ratios, spread, table
from measure.load import drive

WARM_TRADES = 200_000
RATES = (10_000, 100_000, 500_000)
SHOWN = (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"))
WAYS = (("ack", "due → durable ack"), ("alert", "due → alert received"))


def measure(bench, kind, rate):
    with Daemon(bench, "exposure/remark=0") if kind == "daemon" else Floor(bench, kind) as process:
        # Names, accounts and windows are there before the clock starts.
        return drive(bench, process, "latency", bench.seconds, settle=5.0, rate=rate, warm=WARM_TRADES)


def run(bench):
    out = ["\n### Latency: open loop, from the moment a trade was due\n",
           "Waiting moves no due time, so nothing is omitted. Every trade is acked; every 100th raises an alert. The floor is "
           "one process that takes the same messages, appends and syncs them, and answers: with a RocksDB write batch, or "
           "with fdatasync of a file that is there already; in three threads, the same with RocksDB, where who receives, who writes and who "
           "publishes are joined as the daemon's actors are, so that a wake-up costs it what it costs the daemon. Ratios are medians over the pairs of neighbouring runs.\n"]
    rows = []
    for rate in RATES:
        cases = [(f"{rate:,}/s {kind}", kind, rate) for kind in ("daemon", "rocksdb", "threads", "file")]
        product, *floors = bench.repeated("latency", cases, lambda *case: measure(bench, *case)).values()
        for way, said in WAYS:
            for key, name in SHOWN:
                key = f"{way}_{key}_ms"
                rows.append([f"{rate:,}", said, name, spread(product, key, "{:,.2f}"),
                             *(cell for floor in floors for cell in (spread(floor, key, "{:,.2f}"),
                                                                     f"{ratios(product, floor, key):,.1f}"))])
        rows.append([f"{rate:,}", "daemon CPU a trade", "", spread(product, "cpu_ns", "{:,.0f} ns"),
                     *(cell for floor in floors for cell in (spread(floor, "cpu_ns", "{:,.0f} ns"),
                                                             f"{ratios(product, floor, 'cpu_ns'):,.1f}"))])
        if median(product, "messages_over_1000") > 0:
            rows.append([f"{rate:,}", "messages of over 1,000 trades: the sender was late", "",
                         f"{median(product, 'messages_over_1000'):,.0f}",
                         *(cell for floor in floors for cell in (f"{median(floor, 'messages_over_1000'):,.0f}", ""))])
    return out + table(["trades/s", "what", "", "daemon, ms", "floor: RocksDB, ms", "ratio", "in three threads, ms", "ratio",
                        "floor: file, ms", "ratio"], rows)
