# SPDX-License-Identifier: MIT
"""The same load for long: does it keep its pace, does memory stay flat, and is the daemon idle when nothing comes?"""
from measure.daemon import Daemon
from measure.figures import slope, table
from measure.load import drive

MIB = 1 << 20
# Whole days of event time are dropped beyond this, so that the disk is not what ends the run. A desk tape brings a day each time.
RETAIN_BYTES = 4 << 30


def measure(bench, remark, options):
    settings = (f"exposure/remark={remark}", f"store/retain_bytes={RETAIN_BYTES}")
    with Daemon(bench, *settings) as daemon:
        result = drive(bench, daemon, "throughput", bench.long_seconds, settle=60.0, **options)
        result["idle_percent"] = daemon.idle_percent(2 if bench.quick else 10)
    return result


def _row(flow, result):
    samples = result["samples"]
    at = lambda share: f"{samples[min(len(samples) - 1, int(len(samples) * share))][1] / MIB:,.0f}" if samples else "?"
    late = samples[len(samples) // 2:]
    return [flow, f"{result['seconds']:,.0f} s{' (the disk got full)' if result['disk_full'] else ''}",
            f"{result['trades_per_second']:,.0f}", " · ".join(at(share) for share in (0.25, 0.5, 0.75, 1)) + " MiB",
            f"{slope(late) * 60 / MIB:+,.1f} MiB/min", f"{result['idle_percent']:.2f} %", f"{result['settled']:.1f} s"]


def run(bench):
    flows = [("synthetic, remark 1 s", 1, {})]
    if bench.desk():
        flows.append(("desk day, remark 0", 0, {"tape": bench.desk()}))
    rows = []
    for flow, remark, options in flows:
        bench.say(f"sustained: {flow}, {bench.long_seconds:g} s")
        rows.append(_row(flow, bench.keep("sustained", flow, measure(bench, remark, options))))
    return [f"\n### Sustained: one publisher, at most {RETAIN_BYTES >> 30} GiB retained; one run\n",
            "Memory is what is the daemon's own (RssAnon); its slope is that of the second half.\n",
            *table(["flow", "for", "trades/s", "memory after 25 · 50 · 75 · 100 %", "slope", "idle CPU after it",
                    "until idle"], rows)]
