# SPDX-License-Identifier: MIT
"""Snapshots of a running daemon: they appear, the newest two stay, a start goes on from one, whatever happened to it."""

import os
import re
import signal
import socket
import time
import unittest

from harness import Catchup, Daemon, Publisher, Subscriber, run_tool, scaled, trade, wait_until
from harness.market import Persistent

OFTEN = {"store/snapshot_trades": 400, "store/snapshot_seconds": 0, "pipeline/shards": 2}


def snapshots(daemon, ending=""):
    """The numbers of the records of the snapshots that are there, oldest first."""
    try:
        names = os.listdir(os.path.join(daemon.data, "snapshots"))
    except FileNotFoundError:
        return []
    return sorted(int(name[:20]) for name in names if name[20:] == ending)


def path_of(daemon, record):
    return os.path.join(daemon.data, "snapshots", f"{record:020d}")


def started_from(daemon):
    """The record of the snapshot that the last start used; None: from the front."""
    found = re.search(r"starts from the snapshot record=(\d+)", daemon.said())
    return int(found.group(1)) if found else None


def flip(path, at):
    """One bit, `at` of the way into the file."""
    with open(path, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        where = min(size - 1, int(size * at))
        file.seek(where)
        byte = file.read(1)[0]
        file.seek(where)
        file.write(bytes((byte ^ 0x10,)))


def settled_head(daemon, durable):
    with Subscriber(daemon) as subscriber:
        return subscriber.wait_head(f"{durable} trades judged", lambda head: head["durable"] == durable, seconds=60)


class Snapshots(unittest.TestCase):
    def run_until(self, daemon, count, publisher):
        """Publishes until so many snapshots more were taken."""
        goal = daemon.said().count("snapshot lsn=") + count
        publisher.start()
        wait_until(f"{goal} snapshots", lambda: daemon.said().count("snapshot lsn=") >= goal, seconds=60)

    def check(self, daemon, durable):
        """The daemon's digest is that of the whole log, read from its front; everything adds up. Ends the daemon."""
        head = settled_head(daemon, durable)
        with Catchup(daemon) as catchup:
            alerts = [alert for alert, _ in catchup.everything()]
        self.assertEqual([alert["n"] for alert in alerts], list(range(1, head["last"] + 1)))
        self.assertGreater(head["last"], 20, "too few alerts to show anything")
        self.assertEqual(daemon.stop()[0], 0)
        verify = run_tool("store", "verify", "--data", daemon.data, seconds=60)
        self.assertEqual(verify.code, 0, verify)
        replay = run_tool("replay", "--data", daemon.data, seconds=120)
        self.assertEqual(replay.code, 0, replay)
        self.assertIn(head["digest"], replay.out + replay.err)

    def test_they_appear_while_trades_come_and_the_newest_two_stay(self):
        with Daemon(sets=OFTEN) as daemon:
            publisher = Persistent(daemon, "desk")
            self.run_until(daemon, 5, publisher)
            count = publisher.finish()
            said = [int(lsn) for lsn in re.findall(r"snapshot lsn=(\d+)", daemon.said())]
            wait_until("two snapshots, the newest", lambda: snapshots(daemon) == said[-2:] or
                       snapshots(daemon) == [int(n) for n in re.findall(r"snapshot lsn=(\d+)", daemon.said())][-2:])
            self.check(daemon, count)
            self.assertEqual(snapshots(daemon, ".new"), [])

    def test_time_takes_one_too_but_only_of_something_new(self):
        with Daemon(sets={"store/snapshot_trades": 0, "store/snapshot_seconds": 1}) as daemon:
            with Publisher(daemon, "desk") as publisher:
                publisher.publish([trade()])
                taken = wait_until("a snapshot", lambda: daemon.said().count("snapshot lsn="))
                publisher.publish([trade()])
                wait_until("one more", lambda: daemon.said().count("snapshot lsn=") > taken)
            taken = daemon.said().count("snapshot lsn=")
            time.sleep(2.5)     # nothing may happen: there is no condition to wait for
            self.assertEqual(daemon.said().count("snapshot lsn="), taken)

    def test_a_start_goes_on_from_the_newest_with_any_number_of_shards(self):
        with Daemon(sets=OFTEN) as daemon:
            publisher = Persistent(daemon, "desk", columnar=True)
            publisher.start()
            for shards in (5, 1, 3):
                goal = daemon.said().count("snapshot lsn=") + 2
                wait_until("snapshots", lambda: daemon.said().count("snapshot lsn=") >= goal, seconds=60)
                daemon.kill()
                newest = snapshots(daemon)[-1]
                daemon.sets["pipeline/shards"] = shards
                daemon.restart()
                self.assertEqual(started_from(daemon), newest)
                publisher.wait_progress(1)
            self.check(daemon, publisher.finish())

    def test_a_damaged_one_is_named_and_the_one_before_it_used(self):
        for at in (0, 0.5, 1):      # its head, its rows, its end
            with self.subTest(at=at), Daemon(sets=OFTEN) as daemon:
                publisher = Persistent(daemon, "desk")
                self.run_until(daemon, 3, publisher)
                count = publisher.finish()
                self.assertEqual(daemon.stop()[0], 0)
                older, newest = snapshots(daemon)
                flip(path_of(daemon, newest), at)
                daemon.restart()
                self.assertIn(f"{newest:020d}", daemon.said())
                self.assertEqual(started_from(daemon), older)
                # It pushes out none that is whole; a new one may have come already.
                self.assertEqual([lsn for lsn in snapshots(daemon) if lsn <= newest], [older])
                self.check(daemon, count)

    def test_with_both_damaged_the_log_is_read_from_its_front(self):
        with Daemon(sets=OFTEN) as daemon:
            publisher = Persistent(daemon, "desk")
            self.run_until(daemon, 3, publisher)
            count = publisher.finish()
            self.assertEqual(daemon.stop()[0], 0)
            for record in snapshots(daemon):
                flip(path_of(daemon, record), 0.7)
            daemon.restart()
            self.assertIsNone(started_from(daemon))
            self.check(daemon, count)

    def test_killed_while_one_is_written(self):
        kills = scaled(6, 2)
        with Daemon(sets=OFTEN) as daemon:
            publisher = Persistent(daemon, "desk", columnar=True, batch=100)
            publisher.start()
            left = 0
            for _ in range(kills * 10):
                wait_until("one being written", lambda: snapshots(daemon, ".new"), seconds=60, pause=0.0002)
                daemon.kill()
                left += bool(snapshots(daemon, ".new"))
                whole = snapshots(daemon)
                daemon.restart()
                self.assertEqual(started_from(daemon), whole[-1] if whole else None)
                self.assertNotIn("is not used", daemon.said())
                publisher.wait_progress(1)
                if left == kills:
                    break
            self.assertEqual(left, kills)
            self.check(daemon, publisher.finish())

    def test_a_start_says_where_it_begins_and_how_much_remains(self):
        with Daemon(sets=OFTEN | {"store/snapshot_trades": 0}) as daemon:
            with Publisher(daemon, "desk") as publisher:
                publisher.publish([trade(ts=i * 10**9 + 10**18) for i in range(50)])
            daemon.kill()
            daemon.restart()
            self.assertRegex(daemon.said(), r"starts from the front of the log remaining=[1-9]\d*")

    def test_a_long_start_shows_how_far_it_is_and_lets_nobody_in_before_it_is_ready(self):
        trades = scaled(600_000, 100_000)
        with Daemon(sets={"store/snapshot_work": 0, "store/snapshot_seconds": 0}) as daemon:
            done = run_tool("simulate", "--rate", 0, "--trades", trades, *daemon.options(), seconds=120)
            self.assertEqual(done.code, 0, done)
            daemon.kill()
            daemon.spawn()
            daemon.await_line("starts from the front of the log")
            daemon.process.send_signal(signal.SIGSTOP)
            stopped = time.monotonic()
            self.assertIsNone(daemon.ready_line, "it had read all before it could be stopped: too few trades")
            for name, door in daemon.doors.items():
                with socket.socket() as probe, self.subTest(door=name):
                    self.assertNotEqual(probe.connect_ex(("127.0.0.1", int(door.rpartition(":")[2]))), 0)
            wait_until("progress is due", lambda: time.monotonic() - stopped > 2.1)
            daemon.process.send_signal(signal.SIGCONT)
            line = daemon.await_line("reading the log record=")
            done, whole, left = (int(number) for number in re.findall(r"=(\d+)", line)[-3:])
            self.assertEqual(done + left, whole)
            self.assertGreater(done, 0)
            daemon.await_ready()
            with Publisher(daemon, "late") as publisher:
                publisher.publish([trade()])
            self.assertEqual(daemon.stop()[0], 0)


if __name__ == "__main__":
    unittest.main()
