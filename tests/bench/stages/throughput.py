# SPDX-License-Identifier: MIT
"""Throughput, publisher process -> tcp -> durable ack and alert, in columns; what each thread of the daemon costs."""
from measure.daemon import Daemon
from measure.figures import median, spread, table
from measure.limits import ceilings
from measure.load import drive

PUBLISHERS = 8
PACE = 100_000      # trades to a second of event time, of the whole flow
ORDER = ("gateway", "journal", "shard", "exposure", "scorer", "router", "indexer", "keeper", "catchup", "ZMQbg/IO", "rocksdb:low",
         "rocksdb:high")


def cases_of(bench):
    """(name, settings, publishers, options)"""
    flows = [("synthetic", {})]
    if bench.desk():
        flows.append(("desk day", {"tape": bench.desk()}))
    for count in (1, PUBLISHERS):
        for flow, options in flows:
            for remark in (0, 1):
                who = "one publisher" if count == 1 else f"{count} publishers"
                yield (f"{flow}, {who}, remark {remark} s" if remark else f"{flow}, {who}, remark 0",
                       [f"exposure/remark={remark}"], count, dict(options, pace=PACE))


def measure(bench, settings, publishers, options):
    with Daemon(bench, *settings) as daemon:
        return drive(bench, daemon, "throughput", bench.seconds, publishers, **options)


def costs(runs):
    """A table of ns a trade for each thread and flow."""
    every = [result["threads_ns"] for results in runs.values() for result in results]
    shown = [name for name in ORDER if any(threads.get(name, 0) >= 0.5 for threads in every)]
    rows = []
    for flow, results in runs.items():
        threads = [{name: result["threads_ns"].get(name, 0) for name in shown} for result in results]
        for known, result in zip(threads, results):
            known["other"] = result["cpu_ns"] - sum(known.values())
        rows.append([flow, *(f"{median(threads, name):,.0f}" for name in [*shown, "other"]), f"{median(results, 'cpu_ns'):,.0f}"])
    return table(["flow", *shown, "other", "all"], rows)


def run(bench):
    """Alternating runs of every flow, and the ceilings between."""
    runs = bench.repeated("throughput", list(cases_of(bench)), lambda *case: measure(bench, *case))
    out = ["### Throughput: publisher processes → tcp → durable ack and alert\n",
           "Trades/s until the last ack and the last alert; the processor's time until nothing is left to do.\n",
           *table(["flow", "trades/s", "durable only", "daemon CPU a trade", "alerts", "peak memory"],
                  [[flow, spread(results, "trades_per_second"), f"{median(results, 'durable_per_second'):,.0f}",
                    spread(results, "cpu_ns", "{:,.0f} ns"), f"{median(results, 'alerts'):,.0f}",
                    f"{median(results, 'peak') / 2**20:,.0f} MiB"] for flow, results in runs.items()])]
    best = next(iter(runs.values()))
    limits = ceilings(bench)
    for name, results in limits.items():
        for result in results:
            bench.keep("throughput", name, result)
    if limits:
        out += ["", *table(["ceiling, in the same run", "trades/s", "the first line above is of it"],
                           [[name, spread(results, "trades_per_second"),
                             f"{median(best, 'trades_per_second') / median(results, 'trades_per_second'):.2f}"]
                            for name, results in limits.items()])]
    return [*out, "\n#### Per-stage cost, ns of CPU a trade (medians)\n", *costs(runs)]
