# SPDX-License-Identifier: MIT
"""Publishers that send the row form, as any client can: 100 trades a message, and one."""
from measure.daemon import Daemon
from measure.figures import spread, table
from measure.load import drive


def cases_of(bench):
    """(name, publishers, options)"""
    yield "columns, 4,096 a message, 4 publishers", 4, {}
    for batch, said in ((100, "100 trades a message"), (1, "single trades")):
        for count in (4,) if bench.quick else (1, 4):
            yield (f"rows, {said}, {count} publisher{'s' if count > 1 else ''}", count, {"form": "rows", "batch": batch})


def measure(bench, publishers, options):
    with Daemon(bench, "exposure/remark=1") as daemon:
        return drive(bench, daemon, "throughput", bench.seconds, publishers, **options)


def run(bench):
    runs = bench.repeated("rows", list(cases_of(bench)), lambda *case: measure(bench, *case))
    return ["\n### Row form: several publisher processes, remark 1 s\n",
            *table(["messages", "trades/s", "daemon CPU a trade", "of it gateway", "of it libzmq's thread"],
                   [[name, spread(results, "trades_per_second"), spread(results, "cpu_ns", "{:,.0f} ns"),
                     *(spread([result["threads_ns"] for result in results], thread, "{:,.0f} ns")
                       for thread in ("gateway", "ZMQbg/IO"))] for name, results in runs.items()])]
