# SPDX-License-Identifier: MIT
"""The clean stop: SIGTERM or SIGINT under load is exit 0 within two seconds, and what was taken is finished."""

import fcntl
import os
import signal
import subprocess
import time
import unittest

from harness import Catchup, Daemon, Publisher, Subscriber, scaled, trade
from harness.daemon import environment, executable
from harness.market import Persistent
from harness.verdict import as_submitted, differences, exported, judge_rows
from harness.waiting import PATIENCE

LIMIT = 2 * PATIENCE        # the promise is 2 s; sanitizers are slower


class Stop(unittest.TestCase):
    def stop_under_load(self, by):
        with Daemon() as daemon:
            publishers = [Persistent(daemon, "rows"), Persistent(daemon, "columns", columnar=True, batch=500)]
            for publisher in publishers:
                publisher.start()
            stops = scaled(4, 2)
            for _ in range(stops):
                for publisher in publishers:
                    publisher.wait_progress(2000)
                code, seconds = daemon.stop(by=by)
                self.assertEqual(code, 0, daemon.said())
                self.assertLess(seconds, LIMIT, daemon.said())
                taken = {publisher.pub: publisher.next_seen for publisher in publishers}
                daemon.restart()
                for pub, next_seen in taken.items():    # what an ack called taken is still there
                    with Publisher(daemon, pub) as observer:
                        self.assertGreaterEqual(observer.hello()["next"], next_seen)
            counts = {publisher.pub: publisher.finish() for publisher in publishers}
            with Subscriber(daemon) as subscriber, Catchup(daemon) as catchup:
                head = subscriber.wait_head("all judged", lambda head: head["durable"] == sum(counts.values()), seconds=60)
                alerts = [alert for alert, _ in catchup.everything()]
            self.assertEqual(daemon.stop()[0], 0)
            rows = exported(daemon.data)
            for pub, count in counts.items():
                self.assertEqual([row["pseq"] for row in rows if row["pub"] == pub], list(range(1, count + 1)))
            events, summary = judge_rows(map(as_submitted, rows))
            self.assertEqual(differences(alerts, events), [])
            self.assertEqual(head["digest"], summary["digest"])

    def test_sigterm_under_load(self):
        self.stop_under_load(signal.SIGTERM)

    def test_sigint_under_load(self):
        self.stop_under_load(signal.SIGINT)

    def test_an_idle_daemon_stops_at_once(self):
        with Daemon() as daemon:
            code, seconds = daemon.stop()
            self.assertEqual(code, 0, daemon.said())
            self.assertLess(seconds, LIMIT)

    def test_a_stop_while_it_starts(self):
        """A long log takes a while to read; a stop does not wait for it."""
        with Daemon() as daemon:
            with Publisher(daemon, "desk-7") as publisher:
                publisher.publish([trade()] * scaled(20000, 2000), seconds=60)
            daemon.kill()
            daemon.spawn()
            code, seconds = daemon.stop()
            # Before signals are taken, SIGTERM ends a process at once: that is as good.
            self.assertIn(code, (0, -signal.SIGTERM), daemon.said())
            self.assertLess(seconds, LIMIT)
            daemon.restart()
            with Publisher(daemon, "desk-7") as publisher:
                self.assertEqual(publisher.hello()["next"], scaled(20000, 2000) + 1)

    def test_a_second_signal_does_no_harm(self):
        with Daemon() as daemon, Publisher(daemon, "desk-7") as publisher:
            publisher.publish([trade()] * 10)
            daemon.process.send_signal(signal.SIGTERM)
            code, _ = daemon.stop(by=signal.SIGTERM)
            self.assertEqual(code, 0, daemon.said())

    def test_subscribers_that_do_not_read_do_not_delay_the_stop(self):
        with Daemon() as daemon, Subscriber(daemon) as deaf, Publisher(daemon, "desk-7") as publisher:
            deaf.socket.rcvhwm = 1
            publisher.publish([trade(qty=20000, symbol=f"S{i}", account=None) for i in range(8000)], seconds=60)
            code, seconds = daemon.stop()
            self.assertEqual(code, 0, daemon.said())
            self.assertLess(seconds, LIMIT)

    def test_a_log_that_nobody_reads_holds_up_neither_trades_nor_the_stop(self):
        """Garbage makes lines of log; standard error is a pipe that is full after the first few."""
        daemon = Daemon()
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        with daemon.scratch, Publisher(daemon, "desk-7") as publisher:
            process = subprocess.Popen([executable(), "run", "--data", daemon.data, *daemon.options()], stderr=writer,
                                       env=environment())
            os.close(writer)
            try:
                publisher.hello()
                for seq in range(1, 201):   # each in a turn of its own, so that each garbage is a line
                    publisher.send_raw(b"\xc1")
                    publisher.send([trade()])
                    publisher.wait_durable(seq)
                began = time.monotonic()
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(10 * PATIENCE), 0)
                self.assertLess(time.monotonic() - began, LIMIT)
            finally:
                process.kill()
                process.wait()
                os.close(reader)


if __name__ == "__main__":
    unittest.main()
