# SPDX-License-Identifier: MIT
"""Backup and restore as people use them: of a directory at rest, of a running daemon, and when they must refuse."""

import fcntl
import json
import os
import threading
import unittest

import zmq

from harness import Daemon, Publisher, Scratch, run_tool, trade, wait_until
from harness.waiting import PATIENCE


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x10]))


def replayed(data):
    done = run_tool("replay", "--data", data, "--json", "--summary")
    assert done.code == 0, done
    answer = json.loads(done.out)
    return answer["trades"], answer["alerts"], answer["record_digest"]


class LongPaths(unittest.TestCase):
    def setUp(self):
        self.scratch = self.enterContext(Scratch())
        self.long = self.scratch.path("d" * 60, "e" * 60, "data")
        os.makedirs(self.long)

    def test_a_directory_that_the_daemon_knows_by_a_shorter_path_is_asked_for_by_the_long_one(self):
        short = self.scratch.path("short")
        os.symlink(self.long, short)
        with Daemon(data=short) as daemon, Publisher(daemon, "desk") as publisher:
            publisher.publish([trade(qty=20000)])
            done = run_tool("alerts", "ack", 1, "--by", "maria", "--data", self.long)
            self.assertEqual(done.code, 0, done)
            done = run_tool("store", "backup", self.scratch.path("copy"), "--data", self.long)
            self.assertEqual(done.code, 0, done)

    def test_a_daemon_whose_path_is_too_long_for_its_socket_is_not_taken_for_none(self):
        with Daemon(data=self.long):
            for words in (("alerts", "ack", 1, "--by", "maria"), ("store", "backup", self.scratch.path("copy"))):
                done = run_tool(*words, "--data", self.long)
                self.assertEqual(done.code, 3, done)
                self.assertIn("the path is too long", done.err)


class Backup(unittest.TestCase):
    def setUp(self):
        self.scratch = self.enterContext(Scratch())
        self.data, self.copy = self.scratch.path("data"), self.scratch.path("copy")

    def trades(self, daemon, count, name="desk-1"):
        with Publisher(daemon, name) as publisher:
            publisher.publish([trade(qty=20000 if at % 50 == 0 else 10, id=f"{name}-{at}") for at in range(count)])

    def made(self, count=500):
        with Daemon(data=self.data) as daemon:
            self.trades(daemon, count)
            self.assertEqual(daemon.stop()[0], 0)

    def test_a_backup_is_whole_and_can_be_restored(self):
        self.made()
        done = run_tool("store", "backup", self.copy, "--data", self.data, "--json")
        self.assertEqual(done.code, 0, done)
        answer = json.loads(done.out)
        self.assertEqual((answer["ok"], answer["trades"], answer["running"]), (True, 500, False))
        self.assertEqual(run_tool("store", "verify", "--data", self.copy).code, 0)
        restored = self.scratch.path("restored")
        done = run_tool("store", "restore", self.copy, restored)
        self.assertEqual(done.code, 0, done)
        self.assertIn("500 trades", done.out)
        self.assertEqual(replayed(restored), replayed(self.data))
        with Daemon(data=restored) as daemon:       # and goes on
            self.trades(daemon, 10, "desk-2")
            self.assertEqual(daemon.stop()[0], 0)
        self.assertEqual(replayed(restored)[0], 510)
        self.assertEqual(replayed(self.data)[0], 500)

    def test_a_damaged_backup_is_not_restored(self):
        self.made()
        self.assertEqual(run_tool("store", "backup", self.copy, "--data", self.data).code, 0)
        logs = (os.path.join(self.copy, "db", name) for name in os.listdir(os.path.join(self.copy, "db"))
                if name.endswith(".log"))
        log = max(logs, key=os.path.getsize)
        with open(log, "rb") as file:       # a place in what was acked: alerts behind it may end anywhere
            flip(log, file.read().index(b"desk-1"))
        restored = self.scratch.path("restored")
        done = run_tool("store", "restore", self.copy, restored, "--json")
        self.assertEqual(done.code, 1, done)
        self.assertFalse(json.loads(done.out)["ok"])
        self.assertFalse(os.path.exists(restored))

    def test_targets_that_are_not_empty_are_refused(self):
        self.made(10)
        self.assertEqual(run_tool("store", "backup", self.copy, "--data", self.data).code, 0)
        for arguments in (("backup", self.copy, "--data", self.data), ("backup", self.data, "--data", self.data),
                          ("restore", self.copy, self.data), ("restore", self.copy, self.copy)):
            done = run_tool("store", *arguments)
            self.assertEqual(done.code, 3, done)
            self.assertIn("not empty", done.err)
        self.assertEqual(run_tool("store", "restore", self.scratch.path("nowhere"), self.scratch.path("x")).code, 3)
        self.assertEqual(run_tool("store", "backup", "--data", self.data).code, 2)
        self.assertEqual(run_tool("store", "restore", self.copy).code, 2)
        self.assertEqual(replayed(self.copy), replayed(self.data))

    def test_a_file_is_no_directory_and_said_to_be_none(self):
        path = self.scratch.path("file")
        with open(path, "w", encoding="ascii"):
            pass
        for words in (("store", "stats"), ("store", "backup", self.copy), ("alerts", "list"), ("run",)):
            done = run_tool(*words, "--data", path)
            self.assertEqual(done.code, 3, done)
            self.assertIn(f"{path}: that is not a directory", done.err)

    def test_a_directory_in_use_by_a_tool_has_nobody_to_ask(self):
        self.made(10)
        with open(os.path.join(self.data, "LOCK-tapewarden"), "r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = run_tool("store", "backup", self.copy, "--data", self.data)
        self.assertEqual(done.code, 3, done)
        self.assertIn("in use", done.err)
        self.assertFalse(os.path.exists(self.copy))


class Asking(unittest.TestCase):
    """The tool's half of the conversation with a daemon, whose place is taken here."""

    def setUp(self):
        self.scratch = self.enterContext(Scratch())
        self.data = self.scratch.path("data")
        with Daemon(data=self.data) as daemon:
            self.assertEqual(daemon.stop()[0], 0)
        self.lock = self.enterContext(open(os.path.join(self.data, "LOCK-tapewarden"), "r+b"))
        self.lock.truncate()
        self.lock.write(b"%d\n" % os.getpid())
        self.lock.flush()
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.context = zmq.Context()
        self.addCleanup(self.context.destroy, linger=0)
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.bind(f"ipc://{self.data}/control")

    def ask(self, target):
        answers = []
        thread = threading.Thread(target=lambda: answers.append(run_tool("store", "backup", target, "--data", self.data, seconds=90)))
        thread.start()
        wait_until("a request", lambda: self.socket.poll(0))
        self.asker, _, *request = self.socket.recv_multipart()
        return thread, answers, request

    def answer(self, text):
        self.socket.send_multipart([self.asker, b"", text])

    def test_the_target_is_told_with_its_whole_path(self):
        thread, answers, request = self.ask("copy")
        self.assertEqual(request, [b"backup " + os.path.join(os.getcwd(), "copy").encode()])
        self.answer(b"error the disk of /somewhere is full")
        thread.join()
        self.assertEqual(answers[0].code, 3)
        self.assertIn("the disk of /somewhere is full", answers[0].err)

    def test_a_daemon_that_ends_is_not_waited_for(self):
        thread, answers, _ = self.ask(self.scratch.path("copy"))
        self.lock.seek(0)
        self.lock.truncate()        # who held it is gone: no process of that name
        self.lock.write(b"0\n")
        self.lock.flush()
        self.answer(b"ok")          # and what it says is looked at: there is no such backup
        thread.join()
        self.assertEqual(answers[0].code, 3)


    def test_a_long_backup_is_waited_for_as_long_as_somebody_is_there_and_no_longer(self):
        thread, answers, _ = self.ask(self.scratch.path("copy"))
        for _ in range(2):              # "is anybody there?"
            self.assertTrue(self.socket.poll(20_000 * PATIENCE))
            who, nothing, _ = self.socket.recv_multipart()
            self.socket.send_multipart([who, nothing, b"error the commands are others"])
        self.assertEqual(answers, [])
        self.assertTrue(self.socket.poll(20_000 * PATIENCE))
        thread.join()                   # now nobody is
        self.assertEqual(answers[0].code, 3)
        self.assertIn("does not answer", answers[0].err)


class Running(unittest.TestCase):
    def test_the_daemon_makes_it_and_goes_on(self):
        with Scratch() as scratch, Daemon() as daemon:
            if not os.path.exists(os.path.join(daemon.data, "control")):
                self.skipTest("this daemon has no control socket")
            copy = scratch.path("copy")
            with Publisher(daemon, "desk-1") as publisher:
                publisher.publish([trade(qty=20000, id=f"a{at}") for at in range(300)])
                done = run_tool("store", "backup", copy, "--data", daemon.data, "--json")
                self.assertEqual(done.code, 0, done)
                answer = json.loads(done.out)
                self.assertEqual((answer["running"], answer["trades"]), (True, 300))
                publisher.publish([trade(qty=20000, id=f"b{at}") for at in range(200)])
            self.assertEqual(run_tool("store", "verify", "--data", copy).code, 0)
            done = run_tool("store", "backup", copy, "--data", daemon.data)
            self.assertEqual(done.code, 3, done)
            self.assertIn("not empty", done.err)
            self.assertEqual(daemon.stop()[0], 0)
            self.assertEqual(replayed(copy)[0], 300)
            self.assertEqual(replayed(daemon.data)[0], 500)


if __name__ == "__main__":
    unittest.main()
