# SPDX-License-Identifier: MIT
"""What ten times as many symbols, accounts or positions, a hundred times as many stored trades, or a second shard do."""
from measure.daemon import Daemon
from measure.figures import median, ratios, spread, table
from measure.load import drive

ROWS = 262_144
PACE = 100_000
QUIET = [f"rules/{rule}/enabled=off" for rule in ("large_trade", "client_exposure", "symbol_exposure", "velocity", "anomaly")]
STILL, MARKED = "exposure/remark=0", "exposure/remark=1"
# Slow enough that no account has so many trades in a minute that this is an alert: alerts are not what is compared here.
FEW = {"uniform": 1, "pace": PACE / 10}
MANY = dict(FEW, rows=10 * ROWS)
# name, settings, flow, only in a full run
CASES = (("as ever: 5,000 symbols, 100,000 accounts", [STILL], {}, False),
         ("10 × symbols", [STILL], {"symbols": 50_000}, False),
         ("10 × accounts", [STILL], {"accounts": 1_000_000}, False),
         ("all names alike", [STILL], FEW, False),
         ("all names alike, 10 × open positions", [STILL], MANY, False),
         ("remark 1 s, all names alike", [MARKED], FEW, True),
         ("remark 1 s, all names alike, 10 × open positions", [MARKED], MANY, True),
         ("one shard", [STILL, "pipeline/shards=1"], {}, False),
         ("two shards", [STILL, "pipeline/shards=2"], {}, False))
# what, the larger, the smaller
COMPARED = (("10 × symbols", 1, 0), ("10 × accounts", 2, 0), ("10 × open positions", 4, 3),
            ("10 × open positions, remark 1 s: each tick marks them again", 6, 5), ("shards 1 → 2", 8, 7))


def measure(bench, settings, flow):
    """After a first round that makes the state, a second load of the same trades is measured."""
    rows, pace = flow.get("rows", ROWS) // smaller(bench), flow.get("pace", PACE)
    flow = dict(flow, rows=rows)
    with Daemon(bench, *settings) as daemon:
        drive(bench, daemon, "throughput", 600, name="first", eyes=False, trades=rows, **flow)
        return drive(bench, daemon, "throughput", 600, trades=trades_of(bench), offset=rows / pace, **flow)


def smaller(bench):
    return 8 if bench.quick else 1


def trades_of(bench):
    return 4_000_000 // smaller(bench)


def position_bytes(bench):
    """Two states from equally many trades, without alerts and windows: what differs is positions."""
    sizes, accounts = [], ROWS // smaller(bench) // 10      # all of them hold something in both
    for rows in (ROWS // smaller(bench), 10 * ROWS // smaller(bench)):
        bench.say(f"growth: memory with {rows:,} different trades")
        with Daemon(bench, STILL, *QUIET) as daemon:
            # Many more than RocksDB's write buffers hold, so that these are as full in both.
            result = drive(bench, daemon, "throughput", 600, eyes=False, uniform=1, rows=rows,
                           accounts=accounts, trades=20 * ROWS // smaller(bench))
            sizes.append(bench.keep("growth", f"memory, {rows} rows", result))
    few, many = sizes
    return {"bytes": (many["memory"] - few["memory"]) / (many["positions"] - few["positions"]), "positions": many["positions"],
            "memory": many["memory"]}


def stored(bench):
    """CPU a trade on a store that has few trades, and when it has a hundred times as many."""
    unit = 20_000 if bench.quick else 1_000_000
    with Daemon(bench, STILL) as daemon:
        drive(bench, daemon, "throughput", 600, name="first", eyes=False, trades=unit)
        few = drive(bench, daemon, "throughput", 600, name="few", trades=unit, offset=unit / PACE)
        drive(bench, daemon, "throughput", 3600, name="many", eyes=False, trades=98 * unit, offset=2 * unit / PACE)
        many = drive(bench, daemon, "throughput", 600, name="last", trades=unit, offset=100 * unit / PACE)
    for name, result in (("few", few), ("many", many)):
        bench.keep("growth", f"stored, {name}", result)
    return unit, few["cpu_ns"], many["cpu_ns"]


def run(bench):
    cases = [(name, settings, flow) for name, settings, flow, full in CASES if not (full and bench.quick)]
    runs = bench.repeated("growth", cases, lambda *case: measure(bench, *case))
    out = ["\n### Growth\n",
           *table(["state", "daemon CPU a trade", "trades/s", "different positions"],
                  [[name, spread(results, "cpu_ns", "{:,.0f} ns"), spread(results, "trades_per_second"),
                    f"{median(results, 'positions'):,.0f}"] for name, results in runs.items()]), ""]
    compared = [(what, CASES[more][0], CASES[less][0]) for what, more, less in COMPARED if CASES[more][0] in runs]
    rows = [[what, *(f"{ratios(runs[more], runs[less], key):.2f}" for key in ("cpu_ns", "trades_per_second"))]
            for what, more, less in compared]
    pairs = []
    for number in range(1 if bench.quick else bench.repeat):
        bench.say(f"growth: 100 × stored trades ({number + 1})")
        unit, few, many = stored(bench)
        pairs.append(many / few)
    pairs.sort()
    rows.append([f"100 × stored trades ({2 * unit:,} → {101 * unit:,})", f"{pairs[len(pairs) // 2]:.2f}", ""])
    position = position_bytes(bench)
    return out + [*table(["ratio, of neighbouring runs", "CPU a trade", "trades/s"], rows),
                  f"\nAn open position takes {position['bytes']:,.0f} bytes of memory ({position['positions']:,} positions, "
                  f"{position['memory'] / 2**20:,.0f} MiB in all; the difference of two states after equally many trades)."]
