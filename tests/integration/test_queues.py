# SPDX-License-Identifier: MIT
"""Every queue that people can fill from outside: its bound, what happens beyond it, and that it harms nobody else.

The queues between the actors have their tests in tests/unit/test_runtime_*.c; the bounds stand in protocol/limits.h.
"""

import os
import re
import threading
import time
import unittest

import zmq

from harness import Catchup, Daemon, Deadline, Publisher, Subscriber, pack, trade, wait_until
from harness.wire import DAY_NS, unpack
from harness.waiting import PATIENCE

ACKS_SEND_HWM = 1000            # TW_ACKS_SEND_HWM
ALERTS_SEND_HWM = 40_000        # TW_ALERTS_SEND_HWM
KERNEL_BYTES = 16 << 20         # more than the kernel holds of one connection over loopback
MIB = 1 << 20


class Deaf:
    """A subscriber that connects and reads nothing until it is told to."""

    def __init__(self, where, *topics):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.rcvhwm = 1
        self.socket.rcvbuf = 4096
        for topic in topics:
            self.socket.subscribe(topic)
        self.socket.connect(where)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.context.destroy(linger=0)

    def hear(self, deadline):
        if not self.socket.poll(deadline.left_ms()):
            deadline.left()
            return None
        topic, raw = self.socket.recv_multipart()
        return topic, unpack(raw)


def resident_bytes(daemon, key="VmRSS"):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
        return int(re.search(key + r":\s+(\d+) kB", status.read()).group(1)) * 1024


def cpu_seconds(daemon):
    with open(f"/proc/{daemon.process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def prints(count, first=0):
    """Market prints, each a LARGE_TRADE and nothing else."""
    return [trade(qty=20000, symbol=f"S{(first + i) % 50}", account=None) for i in range(count)]


class Acks(unittest.TestCase):
    def test_a_reader_that_stops_loses_acks_and_hears_the_newest_by_the_cadence(self):
        """64 refusals make an ack as large as it gets; each hello is answered by one."""
        hellos = ACKS_SEND_HWM + 2 * KERNEL_BYTES // (4 << 10)
        with Daemon() as daemon, Publisher(daemon, "desk-7") as publisher:
            publisher.publish([trade(price=0)] * 64)
            publisher.wait_ack("all refusals", lambda ack: len(ack["refused"]) == 64)
            before = resident_bytes(daemon)
            with Deaf(daemon.doors["acks"], b"ack.desk-7.") as deaf:
                for _ in range(hellos):
                    publisher.drain()
                    publisher.send_hello()
                    publisher.wait_ack("the answer to a hello", lambda ack: True)
                self.assertLess(resident_bytes(daemon) - before, 64 * MIB * PATIENCE)
                publisher.publish([trade()])
                heard, deadline = 0, Deadline(60, "the newest ack at the slow reader")
                while True:
                    message = deaf.hear(deadline)
                    heard += message is not None
                    if message is not None and message[1]["durable"] == 65:
                        break
            self.assertLess(heard, hellos)      # what lies between was dropped, and nobody misses it


class Alerts(unittest.TestCase):
    def test_a_subscriber_that_never_reads_costs_its_bound_and_nobody_else_anything(self):
        alerts = ALERTS_SEND_HWM + 30_000
        with Daemon() as daemon, Publisher(daemon, "desk-7") as publisher, Subscriber(daemon) as other, \
                Deaf(daemon.doors["alerts"], b"alert.", b"head.") as deaf:
            other.joined()
            heads = Deadline(20, "the slow subscriber's first head")
            while deaf.hear(heads)[0] != b"head.":
                pass
            reader = threading.Thread(target=self.read_all, args=(other, alerts))
            reader.start()
            for first in range(0, alerts, 10_000):
                publisher.publish(prints(10_000, first), seconds=120)
            reader.join(120 * PATIENCE)
            self.assertFalse(reader.is_alive(), "the subscriber that reads has not heard everything")
            self.assertEqual(self.numbers, list(range(1, alerts + 1)))
            self.assertLess(resident_bytes(daemon), 300 * MIB * PATIENCE)
            self.fill_the_hole(daemon, deaf, alerts)

    def read_all(self, subscriber, count):
        self.numbers = [alert["n"] for _, alert, _ in subscriber.wait_alerts(count, seconds=120)]

    def fill_the_hole(self, daemon, deaf, alerts):
        """At last it reads: what its queue held, then the present. A head shows what it missed; catch-up has it."""
        seen, deadline = set(), Deadline(120, "a head that says how far the alerts have come")
        while True:
            message = deaf.hear(deadline)
            if message is None:
                continue
            topic, said = message
            if topic != b"head.":
                seen.add(said["n"])
            elif said["last"] == alerts:
                break
        self.assertGreater(len(seen), 0)
        self.assertLess(len(seen), alerts)
        newest = max(seen)
        self.assertEqual(seen, set(range(1, newest + 1)))       # in order up to where it was dropped
        with Catchup(daemon) as catchup:
            while newest < alerts:
                page, end = catchup.ask("alerts", after=newest, limit=10_000)
                self.assertEqual([alert["n"] for alert, _ in page], list(range(newest + 1, end["last"] + 1)))
                newest = end["last"]


class Requests(unittest.TestCase):
    def test_an_asker_beyond_the_bound_waits_and_others_are_served(self):
        """Large requests without pause, whose answers nobody reads, until the daemon pushes back."""
        with Daemon() as daemon, Publisher(daemon, "desk-7") as publisher, Subscriber(daemon) as subscriber:
            subscriber.joined()
            publisher.publish(prints(10_000), seconds=60)
            subscriber.wait_alerts(10_000, seconds=60)
            with Deaf(daemon.doors["alerts"], b"replay.greedy.") as greedy:
                push = greedy.context.socket(zmq.PUSH)
                push.sndhwm, push.sndbuf = 1, 4096
                push.connect(daemon.doors["requests"])
                sent = self.push_until_full(push)
                self.assertLess(sent * 80, KERNEL_BYTES + 1000 * 4096)
                with Catchup(daemon, "modest") as catchup:
                    answers, end = catchup.ask("alerts", after=9_990, seconds=30)
                    self.assertEqual(([a["n"] for a, _ in answers], end["more"]), (list(range(9_991, 10_001)), False))
                publisher.publish(prints(100))
                numbers = [alert["n"] for _, alert, _ in subscriber.wait_alerts(100)]
                self.assertEqual(numbers, list(range(10_001, 10_101)))
            self.assertLess(daemon.stop()[1], 2 * PATIENCE)     # what is still asked for does not delay the end
            daemon.restart()

    def push_until_full(self, push):
        """How many went out until they went no faster than the daemon answers, ten thousand alerts to each."""
        request = pack({"v": 1, "get": "alerts", "after": 0, "limit": 10_000, "topic": "replay.greedy."})
        sent, deadline = 0, Deadline(60, "the daemon's pushing back")
        while True:
            began = time.monotonic()
            for _ in range(500):
                push.poll(deadline.left_ms(), zmq.POLLOUT)
                push.send(request, zmq.DONTWAIT)
                sent += 1
            if time.monotonic() - began > 0.5:
                return sent

    def test_an_oversized_request_ends_its_connection_alone(self):
        with Daemon() as daemon, Catchup(daemon, "large") as large, Catchup(daemon, "modest") as modest:
            large.push.send(b"x" * 5000)
            self.assertEqual(modest.ask("alerts")[0], [])
            self.assertEqual(large.ask("alerts")[0], [])        # it connects again by itself


class Live(unittest.TestCase):
    def heard(self, rate, trades):
        """How many messages passed by on bind/live, and in what time, while `trades` went in one by one."""
        with Daemon(sets={"live/rate": rate}) as daemon, Publisher(daemon, "desk-7") as publisher, \
                Deaf(daemon.doors["live"], b"trade.", b"exposure.") as live:
            live.socket.rcvhwm = 0
            publisher.hello()
            if rate > 0:        # the subscription is in force
                wait_until("a first trade on bind/live", lambda: publisher.publish([trade()]) and live.socket.poll(50))
            began = time.monotonic()
            for _ in range(trades):
                publisher.publish([trade()])
            count, took = 0, time.monotonic() - began
            while live.socket.poll(0):
                live.socket.recv_multipart()
                count += 1
            return count, took

    def test_no_more_than_the_rate_passes_by(self):
        count, took = self.heard(20, 1000)
        self.assertGreater(count, 0)
        self.assertLessEqual(count, 20 * took + 22)     # a trade and its account's exposure are two; and the second before

    def test_rate_zero_is_silence(self):
        self.assertEqual(self.heard(0, 20)[0], 0)


def thread_seconds(daemon):
    """Processor time of each thread by its name."""
    used, tasks = {}, f"/proc/{daemon.process.pid}/task"
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/stat", encoding="ascii") as file:
            name, fields = file.read().split("(", 1)[1].rsplit(")", 1)
        used[name] = sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")
    return used


class Answers(unittest.TestCase):
    def test_a_block_that_spans_hours_costs_no_memory_for_each_second_and_holder(self):
        """Each of 8,190 seconds changes each of 10,000 holders: 16 bytes a change would be 1.3 GB."""
        holders, seconds, begin = 10_000, 8190, DAY_NS
        quiet = {f"rules/{rule}/threshold": 10**9 for rule in ("client_exposure", "symbol_exposure", "large_trade")}
        with Daemon(sets=quiet | {"pipeline/shards": 2}) as daemon, Publisher(daemon, "desk-7") as publisher, \
                Subscriber(daemon) as subscriber:
            publisher.publish([trade(symbol="X", account=f"A{at}", qty=1, price=100, ts=begin) for at in range(holders)],
                              seconds=60)
            subscriber.wait_head("all hold it", lambda head: head["durable"] == holders, seconds=60)
            before = resident_bytes(daemon)
            publisher.send([{"symbol": "X", "qty": 1, "price": 100 + at % 2, "ts": begin + at * 10**9}
                            for at in range(1, seconds + 1)])
            publisher.wait_durable(seconds=60)
            subscriber.wait_head("all are judged", lambda head: head["durable"] == holders + seconds, seconds=120)
            self.assertLess(resident_bytes(daemon, "VmHWM") - before, 128 * MIB * PATIENCE)
            used = thread_seconds(daemon)       # whose lanes are full waits, and does not look all the time
            self.assertLess(used["gateway"], used["exposure"] / 4, used)
            self.assertEqual(daemon.stop()[0], 0)


class Idle(unittest.TestCase):
    def test_a_quiet_daemon_uses_no_processor(self):
        """Five heads are five seconds; one percent of them is the promise."""
        with Daemon() as daemon, Publisher(daemon, "desk-7") as publisher, Subscriber(daemon) as subscriber, \
                Catchup(daemon):
            publisher.publish([trade()])
            subscriber.joined()
            before, began = cpu_seconds(daemon), time.monotonic()
            for _ in range(5):
                subscriber.wait_head("the next", lambda head: True)
            used, took = cpu_seconds(daemon) - before, time.monotonic() - began
            self.assertLessEqual(used / took, 0.01 * PATIENCE)


if __name__ == "__main__":
    unittest.main()
