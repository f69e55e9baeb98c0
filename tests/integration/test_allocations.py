# SPDX-License-Identifier: MIT
"""In steady state the daemon itself allocates nothing per trade.

A preloaded library counts who asks for memory, by thread and by return address (preload/allocations.c), while the load of
the benchmarks runs. What libzmq and RocksDB ask for is printed, not judged: it is per block.
"""

import os
import pathlib
import re
import struct
import subprocess
import unittest

import msgpack
import zmq

from harness import Daemon, Scratch, wait_until
from harness.daemon import environment

SLOT = struct.Struct("<6Q")
WHO = ("ours", "libzmq", "RocksDB", "other")
HOT = re.compile(r"^(gateway|journal|shard-\d+|exposure|scorer|router)$")
BUILD = pathlib.Path(os.environ.get("TAPEWARDEN_BIN", "build/tapewarden")).parent / "tests"
BATCH = 2000
WARM_TRADES = 3_000_000     # 30 s of the market: by then every window and list has what it ever has
SPAN_TRADES = 500_000
SPANS_MAX = 8
MESSAGES_EACH = 100         # a span passes with fewer than one allocation in so many messages


class Counter:
    """The table that the preloaded library writes."""

    def __init__(self, path, pid):
        self.path, self.pid, self.names = path, pid, {}

    def read(self):
        """{thread: [calls by WHO, last place in our code]}"""
        table = {}
        for tid, *fields in SLOT.iter_unpack(pathlib.Path(self.path).read_bytes()):
            if tid:
                known = table.get(self.name(tid), [0] * 5)
                table[self.name(tid)] = [a + b for a, b in zip(known[:4], fields[:4])] + [fields[4]]
        return table

    def name(self, tid):
        if tid not in self.names:
            try:
                self.names[tid] = pathlib.Path(f"/proc/{self.pid}/task/{tid}/comm").read_text().strip()
            except OSError:
                return "gone"
        return self.names[tid]


class Load:
    """The publisher of the benchmarks; knows how much is durable by listening to its acks."""

    def __init__(self, daemon, seconds):
        doors = daemon.endpoints()
        self.acks = zmq.Context.instance().socket(zmq.SUB)
        self.acks.subscribe(b"ack.load.")
        self.acks.connect(doors["acks"])
        self.durable = 0
        self.process = subprocess.Popen([BUILD / "bench_publisher", "throughput", doors["trades"], doors["acks"], "load",
                                         str(seconds), "symbols=2000", "accounts=20000", f"batch={BATCH}",
                                         "rows=128000"],
                                        env=environment(), stdout=subprocess.DEVNULL)

    def reached(self, trades):
        while self.acks.poll(0):
            self.durable = msgpack.unpackb(self.acks.recv_multipart()[1])["durable"]
        assert self.process.poll() is None, "the publisher ended early"
        return self.durable >= trades

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.acks.close(0)


def head(daemon):
    socket = zmq.Context.instance().socket(zmq.SUB)
    try:
        socket.subscribe(b"head.")
        socket.connect(daemon.endpoints()["alerts"])
        wait_until("a head", lambda: socket.poll(100), seconds=10)
        return msgpack.unpackb(socket.recv_multipart()[1])["last"]
    finally:
        socket.close(0)


def asked(after, before):
    """{thread: calls by WHO in between}"""
    return {name: [a - b for a, b in zip(calls[:4], before.get(name, [0] * 5)[:4])] for name, calls in after.items()}


def describe(calls, messages):
    return "\n".join(f"  {name:16} " + "  ".join(f"{who} {count / messages:.3f}" for who, count in zip(WHO, counts))
                     for name, counts in sorted(calls.items()) if any(counts))


class Allocations(unittest.TestCase):
    def test_a_steady_flow_allocates_nothing_of_ours(self):
        """Queues get deeper now and then, and each object that waits in them grows its arrays once; so of several spans one
        must come with hardly any. What allocates for every trade, message or second of the market never has one."""
        with Scratch() as scratch:
            path = scratch.path("count")
            with Daemon(sets={"exposure/remark": 1, "pipeline/shards": 2, "rules/velocity/window": 5},
                        extra={"LD_PRELOAD": str(BUILD / "libcount_allocations.so"), "TW_COUNT_TO": path}) as daemon:
                load, counter = Load(daemon, 600), Counter(path, daemon.process.pid)
                try:
                    wait_until("the warm-up", lambda: load.reached(WARM_TRADES), seconds=120)
                    self.assertGreater(counter.read()["gateway"][0], 100, "the counter counts: the warm-up allocates")
                    for _ in range(SPANS_MAX):
                        before, first, alerts = counter.read(), load.durable, head(daemon)
                        wait_until("the trades to be counted", lambda: load.reached(first + SPAN_TRADES), seconds=60)
                        calls, trades, alerts = asked(counter.read(), before), load.durable - first, head(daemon) - alerts
                        ours = {name: counts[0] for name, counts in calls.items() if HOT.match(name)}
                        print(f"{trades:,} trades in {trades // BATCH:,} messages, {alerts:,} alerts; allocations a message:\n"
                              + describe(calls, trades / BATCH))
                        self.assertGreaterEqual(len(ours), 7, f"threads that were seen: {sorted(calls)}")
                        if sum(ours.values()) * MESSAGES_EACH * BATCH <= trades:
                            return
                    self.fail(f"allocations of ours in every span, the last: {ours}")
                finally:
                    load.stop()


if __name__ == "__main__":
    unittest.main()
