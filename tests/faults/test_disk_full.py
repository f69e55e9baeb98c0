# SPDX-License-Identifier: MIT
"""Disks that get full, at every point of the log's life: credit stops and says so, alerts and queries go on, nothing
acked is lost, a stop is prompt, a start says what is wrong, and it goes on when there is room.

TW_FAULT_DISKS: over how many sizes the sweep goes (3). TW_FAULT_DISK_FROM, TW_FAULT_DISK_TO: from and to, in MiB.
TW_FAULT_FILLS: how often somebody else fills it (4).
"""

import json
import os
import subprocess
import time
import unittest

from disk import Disk
from flood import LARGE, Flood, check_export

from harness import Catchup, Daemon, Publisher, Subscriber, run_tool, trade, wait_until
from harness.daemon import environment, executable
from harness.sinks import Webhook
from harness.verdict import exported
from harness.waiting import PATIENCE
from harness.wire import DAY_NS

DISKS = int(os.environ.get("TW_FAULT_DISKS", "3"))
FROM = int(os.environ.get("TW_FAULT_DISK_FROM", "60"))
TO = int(os.environ.get("TW_FAULT_DISK_TO", "150"))
FILLS = int(os.environ.get("TW_FAULT_FILLS", "4"))
RESUMES = 10 * PATIENCE     # the promises
STOPS = 2 * PATIENCE


def is_held(publisher):
    """What its newest ack says."""
    ack = publisher.ack
    return ack is not None and ack["hold"] is not None and ack["hold"]["code"] == "disk" and ack["credit"] == 0


class DiskFull(unittest.TestCase):
    def comes_up(self, daemon):
        """True: it is ready. False: it ended with one sentence about the full disk."""
        daemon.spawn()
        wait_until("ready, or the end", lambda: daemon.ready_line or daemon.process.poll() is not None, seconds=60)
        if daemon.ready_line:
            return True
        self.assertEqual(daemon.wait_end(), 3, daemon.said())
        errors = [line for line in daemon.said().splitlines() if " error " in line]
        self.assertEqual(len(errors), 1, daemon.said())
        self.assertRegex(errors[0], r"the disk of \S+ is full: \d+ MiB are free, \d+ MiB must be; make room there|"
                                    r"no space left; make room on that disk")
        return False

    def check_alive(self, daemon, subscriber):
        """Alerts and queries of a daemon whose disk is full."""
        head = subscriber.wait_head("the next", lambda head: True)
        with Catchup(daemon) as catchup:
            alerts = catchup.everything()
        self.assertEqual([alert["n"] for alert, _ in alerts], list(range(1, len(alerts) + 1)))
        self.assertGreaterEqual(len(alerts), head["last"])
        with Publisher(daemon, "late") as late:     # one that comes only now hears it as well
            wait_until("hold: disk for a newcomer", lambda: late.hello() and is_held(late))

    def fill(self, daemon, flood):
        """Until the publisher is held, and what it had under way is settled."""
        wait_until("hold: disk", lambda: (flood.check(), is_held(flood.publisher))[1], seconds=120, pause=0.001)
        with Subscriber(daemon) as subscriber:
            self.check_alive(daemon, subscriber)

    def story(self, mib, ending, kind="tmpfs", sets=None):
        """One disk: fills, is full, gets room. Returns seconds of the stop (or None) and until trades are durable again."""
        with Disk(mib if kind == "tmpfs" else mib + 300, kind) as disk:
            if kind != "tmpfs":
                disk.fill(mib)
            daemon = Daemon(data=disk.path("data"), sets={"pipeline/shards": 2} | (sets or {}))
            stopped = None
            with daemon.scratch:
                if not self.comes_up(daemon):
                    disk.make_room(200)
                    self.assertTrue(self.comes_up(daemon))
                flood = Flood(daemon)
                flood.start()
                try:
                    self.fill(daemon, flood)
                    acked = flood.durable
                    if ending == "kill":
                        daemon.kill()
                    elif ending == "stop":
                        code, stopped = daemon.stop()
                        self.assertEqual(code, 0, daemon.said())
                        self.assertLess(stopped, STOPS, daemon.said())
                    up = ending == "room" or self.comes_up(daemon)
                    disk.make_room(300)
                    if not up:
                        self.assertTrue(self.comes_up(daemon))
                    began = time.monotonic()
                    flood.wait_progress(1)
                    resumed = time.monotonic() - began
                    self.assertLess(resumed, RESUMES)
                    count = flood.finish()
                    self.assertGreaterEqual(flood.durable, acked)
                    self.assertEqual(daemon.stop()[0], 0)
                finally:
                    if daemon.process is not None:
                        daemon.process.kill()
                        daemon.wait_end()
                verify = run_tool("store", "verify", "--data", daemon.data, seconds=120)
                self.assertEqual(verify.code, 0, verify)
                self.assertEqual(check_export(daemon.data), count)
                replay = run_tool("replay", "--data", daemon.data, seconds=120)
                self.assertEqual(replay.code, 0, replay)
        return stopped, resumed, count

    def test_disks_of_many_sizes(self):
        step = (TO - FROM) / max(1, DISKS - 1)
        stops, resumes = [], []
        for disk in range(DISKS):
            mib, ending = round(FROM + disk * step), ("room", "stop", "kill")[disk % 3]
            with self.subTest(mib=mib, ending=ending):
                stopped, resumed, count = self.story(mib, ending)
                print(f"{mib} MiB, {ending}: {count} trades, stop {stopped and round(stopped, 2)} s, "
                      f"durable again {resumed:.2f} s", flush=True)
                resumes.append(resumed)
                stops += [stopped] if stopped is not None else []
        print(f"disks={DISKS} from={FROM} to={TO} MiB; longest stop {max(stops):.2f} s, longest until durable again "
              f"{max(resumes):.2f} s")

    def test_somebody_else_takes_all_the_room(self):
        """A file of somebody else fills the disk to the last byte, again and again, in the middle of everything, of
        snapshots too."""
        sets = {"pipeline/shards": 2, "store/snapshot_trades": 10_000}
        with Disk(400) as disk, Daemon(data=disk.path("data"), sets=sets) as daemon:
            flood, slowest = Flood(daemon), 0.0
            flood.start()
            for fill in range(FILLS):
                flood.wait_progress(1 + 7000 * fill)
                disk.fill()
                with Catchup(daemon) as catchup:
                    catchup.ask("alerts")
                disk.make_room(0)
                began = time.monotonic()
                flood.wait_progress(1)
                slowest = max(slowest, time.monotonic() - began)
                self.assertLess(slowest, RESUMES)
            count = flood.finish()
            daemon.kill()       # what was acked is on the disk, whatever RocksDB went through
            verify = run_tool("store", "verify", "--data", daemon.data, seconds=120)
            self.assertEqual(verify.code, 0, verify)
            self.assertGreaterEqual(check_export(daemon.data), count)
            print(f"fills={FILLS}; longest until durable again {slowest:.2f} s, {count} trades")
            daemon.restart()

    def test_a_small_ext4(self):
        """The same on a file system that gives out blocks late."""
        stopped, resumed, count = self.story(150, "stop", kind="ext4")
        print(f"ext4: {count} trades, stop {stopped:.2f} s, durable again {resumed:.2f} s")

    def test_what_nobody_sends_again_is_counted_by_a_stop(self):
        """Anonymous trades cannot be told to wait. They are taken while there is room between the actors, and promised
        nothing."""
        with Disk(200) as disk, Daemon(data=disk.path("data"), sets={"pipeline/shards": 1}) as daemon, \
                Publisher(daemon, "desk-7") as desk, Publisher(daemon, "nobody") as anonymous:
            desk.publish([trade()] * 10)
            disk.fill(30)      # less than the reserve
            desk.send([trade()] * 5)
            desk.wait_hold("disk")
            for _ in range(20):
                anonymous.send_map({"v": 1, "trades": [trade()] * 100})
            code, seconds = daemon.stop()
            self.assertEqual(code, 0, daemon.said())
            self.assertLess(seconds, STOPS)
            line = daemon.await_line(r"trades that were taken and are not kept=")
            taken, unasked = (int(part.split("=")[1].split(";")[0]) for part in line.split() if "=" in part)
            self.assertIn(taken - unasked, (0, 5), line)        # the desk's, if they came before the hold
            self.assertLessEqual(unasked, 2000)
            self.assertGreater(taken, 0, line)
            disk.make_room(0)
            daemon.restart()
            self.assertEqual(desk.hello()["next"], 11)          # they were never acked: it sends them again
            desk.publish([trade()] * 5)

    def test_a_file_published_again_waits_for_what_was_taken_before(self):
        """All of it was taken when the disk got full and its publisher ended. That is not done."""
        rows = "".join(f"{DAY_NS + number},X,B,1,10.5,A\n" for number in range(200))
        with Daemon() as another, Disk(200) as disk, \
                Daemon(data=disk.path("data"), sets={"pipeline/shards": 1}) as daemon:
            file = daemon.scratch.write("day.csv", "ts,symbol,side,qty,price,account\n" + rows)
            name = json.loads(run_tool("publish", file, "--json", *another.options()).out)["publisher"]
            with Publisher(daemon, name) as first:
                first.publish([trade()])
                while first.ack["next"] != 201:     # again, if the disk got full before they came
                    first.wait_ack("room", lambda ack: ack["hold"] is None)
                    disk.fill(30)       # less than the reserve
                    first.send([trade()] * 199, seq=2)
                    first.wait_hold("disk")
                    if first.ack["next"] != 201:
                        disk.make_room(0)
            with subprocess.Popen([executable(), "publish", file, *daemon.options()], env=environment(),
                                  stderr=subprocess.PIPE, text=True) as again:
                self.await_said(again, "the daemon's disk takes no more for now; waiting")
                disk.make_room(0)
                self.await_said(again, "200 trades already there, nothing new")
                self.assertEqual(again.wait(), 0)
            daemon.kill()
            self.assertEqual(len(exported(daemon.data)), 200)

    def await_said(self, process, sentence):
        for line in process.stderr:
            if sentence in line:
                return
        self.fail(f"it ended with {process.wait()}, without: {sentence}")

    def test_what_people_do_waits_for_room_and_says_so(self):
        with Disk(200) as disk, Daemon(data=disk.path("data"), sets={"pipeline/shards": 1}) as daemon, \
                Publisher(daemon, "desk-7") as desk:
            desk.publish([trade(qty=20000)] * 3)
            wait_until("alerts", lambda: '"n":3' in self.alerts(daemon, "list", "--json").out)
            disk.fill(30)
            for words in (("ack", "1"), ("note", "2", "--note", "while it is full")):     # the first finds out
                done = self.alerts(daemon, *words)
                self.assertEqual(done.code, 3, done)
                self.assertIn("it is not recorded yet", done.err)
            self.assertIn('"state":"open"', self.alerts(daemon, "show", "1", "--json").out)
            disk.make_room(0)
            wait_until("both", lambda: '"h":2' in self.alerts(daemon, "show", "2", "--json").out)
            self.assertIn('"state":"acknowledged"', self.alerts(daemon, "show", "1", "--json").out)
            self.assertIn('"h":3', self.alerts(daemon, "note", "3", "--note", "there is room", "--json").out)
            self.assertEqual(daemon.stop()[0], 0)
            self.assertEqual(run_tool("store", "verify", "--data", daemon.data, seconds=60).code, 0)

    def test_receivers_are_told_of_all_that_was_raised_before_while_and_behind(self):
        """One has all it can get before the disk is full, the other comes while it is."""
        with Disk(200) as disk, Webhook() as ops, Webhook(mode="down") as night:
            sets = {"pipeline/shards": 1, "webhook/ops": ops.url, "webhook/night": night.url, "delivery/retry_max": 1}
            with Daemon(data=disk.path("data"), sets=sets) as daemon, Publisher(daemon, "desk-7") as desk:
                desk.publish([trade(qty=20000, account=None, side=None)] * 50)
                ops.wait_numbers(50)
                disk.fill(30)       # less than the reserve
                desk.send([trade(qty=20000, account=None, side=None)] * 30)
                desk.wait_hold("disk")
                night.up()
                night.wait("what was raised before", lambda got: night.bodies)
                disk.make_room(0)
                desk.wait_durable(seconds=60)
                for hook in (ops, night):
                    hook.wait_numbers(80, seconds=60)
                    self.assertEqual(hook.faults, [])
                self.assertEqual(ops.repeats, 0)
                self.assertLessEqual(night.repeats, 50)     # at least once, each under its key
                print(f"full disk: repeats={night.repeats}", flush=True)
                self.assertEqual(daemon.stop()[0], 0)
                verify = run_tool("store", "verify", "--data", daemon.data, seconds=60)
                self.assertEqual(verify.code, 0, verify)

    @staticmethod
    def alerts(daemon, *words):
        return run_tool("alerts", *words, "--data", daemon.data, seconds=30)


if __name__ == "__main__":
    unittest.main()
