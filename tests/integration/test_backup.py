# SPDX-License-Identifier: MIT
"""A backup of the running daemon, through its control socket; and that socket's life."""

import os
import stat
import unittest

import zmq

from harness import Catchup, Daemon, Publisher, Scratch, run_tool, trade, wait_until
from harness.market import Persistent
from harness.waiting import PATIENCE


def command(daemon, *parts, seconds=30):
    """What the daemon answers on its control socket."""
    context = zmq.Context()
    socket = context.socket(zmq.REQ)
    socket.linger = 0
    try:
        socket.connect(f"ipc://{daemon.data}/control")
        socket.send_multipart([part.encode() if isinstance(part, str) else part for part in parts])
        assert socket.poll(int(seconds * PATIENCE * 1000)), "no answer"
        return socket.recv().decode()
    finally:
        context.destroy(linger=0)


def alerts_of(daemon):
    """All but when they were noticed: the copy may lack some that are derived again."""
    with Catchup(daemon) as catchup:
        return [alert | {"detected_at": None} for alert, _ in catchup.everything()]


class Backup(unittest.TestCase):
    def test_under_load_it_is_a_directory_that_starts_with_the_same_beginning(self):
        sets = {"store/snapshot_trades": 400, "store/snapshot_seconds": 0, "pipeline/shards": 2}
        with Daemon(sets=sets) as daemon:
            publisher = Persistent(daemon, "desk", columnar=True)
            publisher.start()
            wait_until("snapshots", lambda: daemon.said().count("snapshot lsn=") >= 2, seconds=60)
            durable = publisher.durable
            copy = daemon.scratch.path("copy")
            self.assertEqual(command(daemon, f"backup {copy}"), "ok")
            publisher.wait_progress(1)      # it goes on
            count = publisher.finish()
            self.assertFalse(os.path.exists(os.path.join(copy, "control")))
            verify = run_tool("store", "verify", "--data", copy, seconds=60)
            self.assertEqual(verify.code, 0, verify)
            with Daemon(data=copy) as second, Publisher(second, "desk") as again:
                self.assertIn("starts from the snapshot", second.said())
                ack = again.hello()
                self.assertTrue(durable <= ack["durable"] <= count, (durable, ack, count))
                first, beginning = alerts_of(daemon), alerts_of(second)
                self.assertGreater(len(beginning), 20)
                self.assertEqual(first[:len(beginning)], beginning)
                self.assertEqual(second.stop()[0], 0)
            replay = run_tool("replay", "--data", copy, seconds=120)
            self.assertEqual(replay.code, 0, replay)
            self.assertEqual(daemon.stop()[0], 0)

    def test_what_it_cannot_do_it_says(self):
        with Daemon() as daemon, Publisher(daemon, "desk") as publisher:
            publisher.publish([trade()])
            taken = daemon.scratch.path("taken")
            os.mkdir(taken)
            with open(os.path.join(taken, "precious"), "w", encoding="utf-8"):
                pass
            self.assertRegex(command(daemon, f"backup {taken}"), "^error .*not empty")
            self.assertEqual(os.listdir(taken), ["precious"])
            for nonsense in ("backup", "backup ", "backup here", "restore /tmp/x", "", "x" * 4000, "backup /a\0b",
                             b"\xff\xfe"):
                self.assertRegex(command(daemon, nonsense), "^error ", nonsense)
            self.assertRegex(command(daemon, "backup", "/tmp/never"), "^error ")
            self.assertFalse(os.path.exists("/tmp/never"))
            publisher.publish([trade()])


class Control(unittest.TestCase):
    def test_the_control_socket_is_the_owners_and_is_gone_after_a_stop(self):
        with Daemon() as daemon:
            path = os.path.join(daemon.data, "control")
            status = os.stat(path)
            self.assertTrue(stat.S_ISSOCK(status.st_mode))
            self.assertEqual(stat.S_IMODE(status.st_mode), 0o600)
            self.assertEqual(daemon.stop()[0], 0)
            self.assertFalse(os.path.exists(path))

    def test_one_that_a_kill_left_is_replaced(self):
        with Daemon() as daemon:
            daemon.kill()
            self.assertTrue(os.path.exists(os.path.join(daemon.data, "control")))
            daemon.restart()
            self.assertNotIn("no control socket", daemon.said())

    def test_a_path_too_long_for_it_is_said_once_and_all_else_goes_on(self):
        with Scratch() as scratch:
            daemon = Daemon(data=scratch.path("d" * 120))
            with daemon, Publisher(daemon, "desk") as publisher:
                publisher.publish([trade()])
                self.assertEqual(daemon.said().count("no control socket"), 1)


if __name__ == "__main__":
    unittest.main()
