#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""fsync returns EIO: no ack for what it should have kept, nor any after it; one sentence, exit 3; a clean recovery.

Each of the first TW_FAULT_SYNCS (100; a spread of 8 times TW_TEST_SCALE without it) syncs fails once in a fresh directory,
and once in one that a kill left behind, where recovery writes tables. What the sync should have kept is gone from the
file at once, or (every third time) still there.
"""

import os
import re
import unittest

import place  # noqa: F401  -- finds the harness
from crowd import Crowd, often
from harness import scaled, wait_until

SEED = int(os.environ.get("TW_FAULT_SEED", 1))
SYNCS = int(os.environ.get("TW_FAULT_SYNCS", 0))
SPREAD = [1, 3, 9, 14, 19, 21, 23, 40, 5, 12, 25, 60][:scaled(10, 3)]


def failures(daemon):
    """The lines by which the daemon says why it ends."""
    return [line for line in daemon.said().splitlines() if re.search(r" (error|fatal) ", line) or "tapewarden run:" in line]


class Eio(unittest.TestCase):
    def forgivable(self, crowd, at):
        """What may miss its sync: RocksDB's OPTIONS file, which nobody reads; a snapshot, which is given up and said."""
        paths = [path for _, _, path in crowd.shim.syncs()]
        if paths[at - 1].startswith("snapshots"):
            return "gives up the snapshot" in crowd.daemon.said()
        return "OPTIONS" in paths[at - 1] or (paths[at - 1] == "db" and at > 1 and "OPTIONS" in paths[at - 2])

    def one_failure(self, crowd, at, keep, all_later):
        """The sentence by which it ended; None if it went on and might. The daemon is dead afterwards."""
        crowd.spawn(mode="eio", at=at, keep=keep, all_later=all_later, seed=at)
        wait_until("the end, or many more syncs", lambda: not crowd.daemon.alive() or len(crowd.shim.syncs()) > at + 40,
                   seconds=60)
        self.assertIsNotNone(crowd.shim.fired())
        if crowd.daemon.alive():
            self.assertTrue(self.forgivable(crowd, at), crowd.shim.syncs()[at - 1])
            crowd.daemon.kill()
            crowd.inspect()
            return None
        code = crowd.daemon.wait_end()
        said = failures(crowd.daemon)
        self.assertEqual(code, 3, crowd.daemon.said())
        self.assertEqual(len(said), 1, crowd.daemon.said())
        self.assertRegex(said[0], "Input/output error", crowd.daemon.said())
        crowd.inspect()
        return re.sub(r"^\S+ +|/tmp/\S+?/data|\d{3,}", "…", said[0])

    def numbers(self):
        return range(1, SYNCS + 1) if SYNCS else sorted(SPREAD)

    def how(self, at):
        """What stays of what the sync should have kept, and whether the disk is broken for good."""
        return ("none", "none", "all")[at % 3], at % 2 == 0

    def test_in_a_fresh_directory(self):
        print(f"TW_FAULT_SEED={SEED} TW_FAULT_SYNCS={list(self.numbers())}")
        said, trades = set(), 0
        for at in self.numbers():
            with self.subTest(at=at), Crowd(SEED * 1000 + at, often(), exact_records=False) as crowd:
                said.add(self.one_failure(crowd, at, *self.how(at)))
                crowd.start()
                for publisher in crowd.publishers:
                    publisher.wait_progress(1)
                trades += crowd.reckon()[0]
        print(f"{trades} trades, all accounted for; it said:", *sorted(filter(None, said)), sep="\n  ")

    def test_in_a_directory_that_a_kill_left_behind(self):
        said = set()
        with Crowd(SEED, often(), exact_records=False) as crowd:
            for at in self.numbers():
                with self.subTest(at=at):
                    crowd.start()
                    for publisher in crowd.publishers:
                        publisher.wait_progress(1)
                    crowd.daemon.kill()
                    said.add(self.one_failure(crowd, at, *self.how(at)))
            crowd.start()
            trades, alerts = crowd.reckon()
        print(f"{trades} trades, {alerts} alerts, all accounted for; it said:", *sorted(filter(None, said)), sep="\n  ")


if __name__ == "__main__":
    unittest.main()
