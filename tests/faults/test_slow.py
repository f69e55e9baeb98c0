# SPDX-License-Identifier: MIT
"""Peers that stop, hang or do not keep to the rules: they cost little, harm nobody else, and may come back.

TW_FAULT_STOPPED: for how many seconds the subscriber is stopped (12; the issue's five minutes are 300).
TW_FAULT_ALERTS_RATE: alerts a second meanwhile (5,000). TW_FAULT_P99: by which factor the p99 of others may grow (3).
"""

import array
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import threading
import time
import unittest

import zmq

import place    # noqa: F401
from flood import Flood

from harness import Daemon, Publisher, Subscriber, trade, wait_until
from harness.daemon import environment, executable
from harness.waiting import PATIENCE, Deadline
from harness.wire import envelope, pack

STOPPED = float(os.environ.get("TW_FAULT_STOPPED", "12"))
# At full size it stands four times more, for as long as fills what is kept for it many times over: a machine's mood changes by
# more than 10 % within minutes, so that what is compared must lie close together, and more than once.
STANDS = (STOPPED, *([60.0] * 4 if STOPPED >= 300 else []))
RATE = int(os.environ.get("TW_FAULT_ALERTS_RATE", "5000"))
FACTOR = float(os.environ.get("TW_FAULT_P99", "3"))
FLOOR_MS = 2.0 if STOPPED >= 300 else 20.0 * PATIENCE   # below it a short run says nothing about anybody
MIB = 1 << 20


def resident(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024


class Alerting(threading.Thread):
    """LARGE_TRADEs, so many a second."""

    def __init__(self, daemon, rate):
        super().__init__(daemon=True)
        self.publisher, self.rate, self.stopping, self.fault = Publisher(daemon, "large"), rate, threading.Event(), None
        self.sent = 0

    def run(self):
        try:
            self.publisher.hello()
            began = time.monotonic()
            while not self.stopping.is_set():
                due = int((time.monotonic() - began) * self.rate) - self.sent
                if due >= self.rate // 50:
                    self.publisher.publish([trade(qty=20000, symbol=f"L{i % 50}", account=None)
                                            for i in range(min(due, 2000))], seconds=60)
                    self.sent += min(due, 2000)
                else:
                    time.sleep(0.005)
        except Exception as fault:      # pylint: disable=broad-except
            self.fault = fault

    def finish(self):
        self.stopping.set()
        self.join(60 * PATIENCE)
        self.publisher.close()
        if self.fault is not None:
            raise self.fault
        return self.sent


class Reader(threading.Thread):
    """A subscriber that keeps up: numbers must come without a hole; how long each took from its making to here."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.subscriber = Subscriber(daemon, "alert.", "head.")
        self.subscriber.joined()
        self.stopping, self.last, self.holes = threading.Event(), None, 0
        self.took, self.at = array.array("q"), array.array("d")

    def run(self):
        while not self.stopping.is_set():
            if self.subscriber.socket.poll(50):
                topic, said, _ = self.subscriber.hear(Deadline(5, "a message that is there"))
                if topic != "head.":
                    self.took.append(time.time_ns() - said["detected_at"])
                    self.at.append(time.monotonic())
                    self.holes += self.last is not None and said["n"] != self.last + 1
                    self.last = said["n"]

    def p99_ms(self, span):
        """Of a second, the median over those of a span of time: a stall of the machine is in one of them."""
        since, until = span
        seconds = {}
        for at, took in zip(self.at, self.took):
            if since <= at < until:
                seconds.setdefault(int(at - since), []).append(took)
        return statistics.median(sorted(took)[len(took) * 99 // 100] for took in seconds.values()) / 1e6

    def finish(self):
        self.stopping.set()
        self.join(10)
        self.subscriber.close()


class Follower:
    """`tapewarden alerts --follow`, which asks for what it missed."""

    def __init__(self, daemon):
        self.path = daemon.scratch.path("alerts.jsonl")
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen([executable(), "alerts", "--follow", "--json", "--timeout", "60",
                                             *daemon.options()], stdout=out, stderr=subprocess.DEVNULL, env=environment())

    def numbers(self):
        with open(self.path, encoding="utf-8") as file:
            return [json.loads(line)["n"] for line in file if line.endswith("\n")]

    def last(self):
        """The newest number that it has written, 0 before the first."""
        with open(self.path, "rb") as file:
            file.seek(max(0, os.path.getsize(self.path) - 100_000))
            whole = file.read().split(b"\n")[1:-1]
        return json.loads(whole[-1])["n"] if whole else 0

    def end(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        return self.process.wait(20 * PATIENCE)


def beside(seconds):
    """How long all go on before and behind a stand, for comparison: a log that grows slows a machine down."""
    return min(seconds, 150) / 2


class Slow(unittest.TestCase):
    @staticmethod
    def most_memory(daemon, flood, seconds):
        most, until = 0, time.monotonic() + seconds
        while time.monotonic() < until:
            most = max(most, resident(daemon.process))
            flood.check()
            time.sleep(0.2)
        return most

    def stand(self, daemon, flood, reader, follower, seconds):
        """The follower stands for so long, catches up, and all go on: both spans of time, and the most memory in each."""
        stopped = time.monotonic()
        follower.process.send_signal(signal.SIGSTOP)
        most = self.most_memory(daemon, flood, seconds)
        continued = time.monotonic()
        follower.process.send_signal(signal.SIGCONT)
        wait_until("the follower is near the end", lambda: follower.last() > reader.last - RATE, seconds=120)
        caught_up = time.monotonic()
        going = self.most_memory(daemon, flood, beside(seconds))
        return (stopped, continued), (caught_up, time.monotonic()), most, going

    def test_a_stopped_subscriber_costs_its_bound_and_nobody_else_anything_and_catches_up(self):
        with Daemon(sets={"pipeline/shards": 2}) as daemon:
            flood, alerting, reader, follower = Flood(daemon), Alerting(daemon, RATE), Reader(daemon), Follower(daemon)
            reader.start()
            flood.start()
            alerting.start()
            wait_until("the follower's first alerts", lambda: follower.last() > 0, seconds=30)
            flood.wait_progress(3_000_000, 120)
            began, moved = time.monotonic(), flood.durable
            before = self.most_memory(daemon, flood, beside(STOPPED))   # RocksDB's memtables and cache come to their size
            stood, went, memory, grew = [], [(began, time.monotonic())], before, []
            for seconds in STANDS:
                standing, going, most, beside_it = self.stand(daemon, flood, reader, follower, seconds)
                stood.append(standing)
                went.append(going)
                grew.append(most - memory)
                memory = beside_it
            pace = (flood.durable - moved) / (time.monotonic() - began)
            p99_stood, p99_went = [reader.p99_ms(span) for span in stood], [reader.p99_ms(span) for span in went]
            ratios = [max(FLOOR_MS, while_stood) / max(FLOOR_MS, (ahead + behind) / 2)
                      for while_stood, ahead, behind in zip(p99_stood, p99_went, p99_went[1:])]
            large = alerting.finish()
            flood.finish(120)
            with Subscriber(daemon) as subscriber:
                last = subscriber.wait_head("all judged", lambda head: head["durable"] == large + flood.sent, 60)["last"]
            wait_until("the reader's last alert", lambda: reader.last == last, seconds=60)
            deadline = Deadline(120, "the follower's last alert")
            while not (numbers := follower.numbers()) or numbers[-1] < last:
                time.sleep(min(0.3, deadline.left()))
            reader.finish()
            follower.end()
            print(f"stopped {' '.join(f'{seconds:.0f}' for seconds in STANDS)} s at {pace:.0f} trades/s and {RATE} alerts/s: memory "
                  f"{before // MIB} MiB, grew by {' '.join(str(bytes_ // MIB) for bytes_ in grew)} MiB; p99 of another subscriber "
                  f"{' '.join(f'{ms:.1f}' for ms in p99_stood)} ms then, {' '.join(f'{ms:.1f}' for ms in p99_went)} ms before, between "
                  f"and afterwards: {' '.join(f'{ratio:.2f}' for ratio in ratios)} times, {statistics.median(ratios):.2f} in the "
                  f"median; {last} alerts, none missing at either")
            self.assertEqual(numbers, list(range(1, last + 1)))
            self.assertEqual(reader.holes, 0)
            self.assertLessEqual(max(grew), 64 * MIB + ALLOWANCE)
            self.assertLessEqual(statistics.median(ratios), FACTOR)

    def test_stopped_publishers_and_half_open_connections_harm_nobody(self):
        """Stopped in the middle of sending; connections that say half a greeting, or half a message, and nothing more."""
        with Daemon(sets={"pipeline/shards": 2}) as daemon, Publisher(daemon, "good") as good:
            good.publish([trade()] * 1000)
            stopped = [subprocess.Popen([executable(), "simulate", "--rate", "0", "--as", f"sim{i}", "--prints", "100",
                                         *daemon.options()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env=environment()) for i in range(4)]
            half = []
            try:
                for i, process in enumerate(stopped):
                    with Publisher(daemon, f"sim{i}") as observer:
                        wait_until("trades of it", lambda: observer.hello()["next"] > 1)
                    process.send_signal(signal.SIGSTOP)
                half += [self.half_open(daemon, said) for said in HALF_OPEN for _ in range(25)]
                before = resident(daemon.process)
                for _ in range(20):
                    good.publish([trade()] * 1000, seconds=10)
                grew = resident(daemon.process) - before
                self.assertLess(grew, 64 * MIB + ALLOWANCE)
                for process in stopped:      # they go on where they were
                    process.send_signal(signal.SIGCONT)
                with Publisher(daemon, "sim0") as observer:
                    there = observer.hello()["next"]
                    wait_until("more of the first", lambda: observer.hello()["next"] > there)
            finally:
                for process in stopped:
                    process.send_signal(signal.SIGCONT)
                    process.kill()
                    process.wait()
                for connection in half:
                    connection.close()
            code, seconds = daemon.stop()
            self.assertEqual(code, 0, daemon.said())
            self.assertLess(seconds, 2 * PATIENCE)
            print(f"4 stopped publishers and {len(half)} half-open connections: memory grew by {grew // MIB} MiB")
            daemon.restart()

    def half_open(self, daemon, said):
        host, port = daemon.doors["trades"].removeprefix("tcp://").split(":")
        connection = socket.create_connection((host, int(port)))
        connection.sendall(said)
        return connection

    def test_a_publisher_that_ignores_credit_is_dropped_beyond_it_and_others_go_on(self):
        with Daemon(sets={"limits/credit": 8190, "pipeline/shards": 2}) as daemon, Publisher(daemon, "greedy") as greedy, \
                Publisher(daemon, "good") as good:
            good.publish([trade()])
            greedy.hello()
            greedy.push.sndhwm = 10
            stopping, sent = threading.Event(), [0]

            def ignore():
                seq = 1
                while not stopping.is_set():
                    if greedy.push.poll(100, zmq.POLLOUT) == 0:
                        continue
                    greedy.push.send(pack(envelope("greedy", seq, [BIG] * 4000)))
                    seq += 4000
                    sent[0] += 1
            thread = threading.Thread(target=ignore, daemon=True)
            thread.start()
            wait_until("a good deal sent", lambda: sent[0] > 20, seconds=30)
            before = resident(daemon.process)
            slowest = 0.0
            for _ in range(100):
                began = time.monotonic()
                good.publish([trade()] * 10)
                slowest = max(slowest, time.monotonic() - began)
            grew = resident(daemon.process) - before
            stopping.set()
            thread.join(10 * PATIENCE)
            self.assertLess(grew, 64 * MIB + ALLOWANCE)
            ack = greedy.wait_ack("something beyond its credit is dropped", lambda ack: ack["gap"] > 0)
            self.assertLess(ack["next"], sent[0] * 4000 + 1)
            print(f"{sent[0]} messages without regard to credit, gap {ack['gap']}: memory grew by {grew // MIB} MiB, slowest "
                  f"answer to another publisher {slowest * 1000:.0f} ms")


BIG = trade(account=None, venue="XETR")
# Memtables and the block cache of RocksDB come and go by so much, until a long run has warmed up.
ALLOWANCE = 0 if STOPPED >= 300 else 32 * MIB
HALF_OPEN = (b"", b"\xff\x00\x00", b"\xff" + b"\x00" * 8 + b"\x7f\x03",
             # a whole greeting and READY, then the head of a message of 1 MiB and a little of it
             b"\xff" + b"\x00" * 8 + b"\x7f\x03\x00NULL" + b"\x00" * 16 + b"\x00" + b"\x00" * 31 +
             b"\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04PUSH" + b"\x02" + (1 << 20).to_bytes(8, "big") + b"\x85\xa1")


if __name__ == "__main__":
    unittest.main()
