#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SIGTERM under load: exit 0 within two seconds, nothing that an ack called taken is lost, nothing comes twice.

TW_FAULT_CYCLES: stops (8, times TW_TEST_SCALE). TW_FAULT_SEED: of their moments (1; printed). Every third stop is followed by
a power cut: a clean stop leaves nothing behind that still has to reach the disk, as far as it was acked.
"""

import os
import time
import unittest

import place  # noqa: F401  -- finds the harness
from crowd import Crowd, often
from harness import Publisher, scaled
from harness.waiting import PATIENCE

CYCLES = int(os.environ.get("TW_FAULT_CYCLES", scaled(8, 3)))
SEED = int(os.environ.get("TW_FAULT_SEED", 1))
CYCLES_A_LOG = 25
LIMIT = 2 * PATIENCE


class Sigterm(unittest.TestCase):
    def one_stop(self, crowd, cut):
        """Seconds it took. The daemon runs again afterwards."""
        chance = crowd.chance
        told = {"cut_at_exit": True, "keep": "none", "seed": chance.randint(1, 1 << 30)} if cut else {"mode": "none"}
        crowd.start(delay_us=chance.choice((0, 1000, 5000)), **told)
        crowd.await_progress(1, 400)
        code, seconds = crowd.daemon.stop()
        self.assertEqual(code, 0, crowd.daemon.said())
        self.assertLess(seconds, LIMIT, crowd.daemon.said())
        if cut:
            self.assertTrue(crowd.shim.cut())
        crowd.check_threads()
        time.sleep(0.05)    # the last acks are on their way to us; what comes later only makes the test milder
        taken = {publisher.pub: (publisher.durable, publisher.next_seen) for publisher in crowd.publishers}
        crowd.inspect()
        return seconds, taken

    def test_stops(self):
        print(f"TW_FAULT_SEED={SEED} TW_FAULT_CYCLES={CYCLES}")
        took, trades, alerts = [], 0, 0
        for log in range((CYCLES + CYCLES_A_LOG - 1) // CYCLES_A_LOG):
            seed = SEED * 1000 + log
            with self.subTest(seed=seed), Crowd(seed, often(), exact_records=False) as crowd:
                for _ in range(min(CYCLES_A_LOG, CYCLES - len(took))):
                    cut = len(took) % 3 == 2
                    seconds, taken = self.one_stop(crowd, cut)
                    took.append(seconds)
                    self.stands(crowd, taken)
                crowd.start()
                more, events = crowd.reckon()
                trades, alerts = trades + more, alerts + events
        took.sort()
        print(f"{len(took)} stops, median {took[len(took) // 2]:.2f} s, longest {took[-1]:.2f} s; "
              f"{trades} trades, {alerts} alerts, all accounted for")

    def stands(self, crowd, taken):
        """A daemon started anew stands where the acks said that the one before stood, or further."""
        crowd.start()
        for publisher in crowd.publishers:
            durable, following = taken[publisher.pub]
            with Publisher(crowd.daemon, publisher.pub) as observer:
                ack = observer.hello()
                self.assertGreaterEqual(ack["durable"], max(durable, following - 1), publisher.pub)
                self.assertGreaterEqual(ack["next"], following, publisher.pub)
        self.assertEqual(crowd.daemon.stop()[0], 0)


if __name__ == "__main__":
    unittest.main()
