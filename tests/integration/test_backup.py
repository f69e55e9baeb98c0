# SPDX-License-Identifier: MIT
"""A backup of the running daemon, through its control socket; and that socket's life."""

import os
import pathlib
import stat
import threading
import unittest

import zmq

from harness import Catchup, Daemon, Publisher, Scratch, run_tool, trade, wait_until
from harness.market import Persistent
from harness.waiting import PATIENCE

SLOW_SYNC = pathlib.Path(os.environ.get("TAPEWARDEN_BIN", "")).parent / "tests" / "libslow_sync.so"


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

    @unittest.skipUnless(SLOW_SYNC.exists(), "sanitizers do not go together with what is preloaded")
    def test_to_a_slow_disk_it_holds_nobody_up(self):
        """While it is made people are answered, snapshots are finished, and nothing is taken away from under it."""
        with Scratch() as scratch:
            copy = os.path.realpath(scratch.path("copy"))
            slow = {"LD_PRELOAD": str(SLOW_SYNC), "TW_SLOW_ROOT": copy, "TW_SLOW_MS": "1000"}
            sets = {"store/snapshot_trades": 400, "store/snapshot_seconds": 0}
            with Daemon(sets=sets, extra=slow) as daemon:
                publisher = Persistent(daemon, "desk", columnar=True)
                publisher.start()
                wait_until("snapshots", lambda: daemon.said().count("snapshot lsn=") >= 3, seconds=60)
                answers = []
                backup = threading.Thread(target=lambda: answers.append(command(daemon, f"backup {copy}", seconds=120)))
                backup.start()
                wait_until("its beginning", lambda: os.path.isdir(os.path.join(copy, "snapshots")))
                before = daemon.said().count("snapshot lsn=")
                self.assertRegex(command(daemon, f"backup {copy}-2"), "^error a backup is under way")
                act = run_tool("alerts", "note", "1", "--note", "meanwhile", "--data", daemon.data)
                self.assertEqual(act.code, 0, act)
                wait_until("four more snapshots", lambda: daemon.said().count("snapshot lsn=") >= before + 4, seconds=60)
                self.assertEqual(answers, [], "the backup was quick: this shows nothing")
                backup.join(120 * PATIENCE)
                self.assertEqual(answers, ["ok"])
                left = lambda: [name for name in os.listdir(os.path.join(daemon.data, "snapshots")) if "." not in name]
                wait_until("what is old to go", lambda: len(left()) <= 2, seconds=60)
                publisher.finish()
                self.assertEqual(daemon.stop()[0], 0)
            verify = run_tool("store", "verify", "--data", copy, seconds=60)
            self.assertEqual(verify.code, 0, verify)

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
