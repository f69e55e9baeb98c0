#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Power loss: what was not synced is gone, or torn, or half there. No acked trade is, and the alerts are the same.

TW_FAULT_CYCLES: cuts (12, times TW_TEST_SCALE). TW_FAULT_SEED: of the moments and of what survives (1; printed).
"""

import os
import unittest

import place  # noqa: F401  -- finds the harness
from crowd import Crowd, often
from harness import scaled

CYCLES = int(os.environ.get("TW_FAULT_CYCLES", scaled(12, 4)))
SEED = int(os.environ.get("TW_FAULT_SEED", 1))
CYCLES_A_LOG = 20
KEEPS = ("none", "none", "prefix", "prefix", "scatter", "scatter", "scatter", "all")


class Power(unittest.TestCase):
    def one_cut(self, crowd):
        """(how much survived, when it was). The daemon is dead afterwards."""
        chance = crowd.chance
        told = {"mode": "power", "keep": chance.choice(KEEPS), "seed": chance.randint(1, 1 << 30),
                "sector": chance.choice((512, 4096)), "delay_us": chance.choice((0, 500, 3000))}
        if chance.random() < 0.4:
            moment = "moment"
            crowd.start(trigger=True, **told)
            crowd.await_progress(1, 300)
            crowd.shim.pull()
        else:
            moment = chance.choice(("before", "after"))
            crowd.spawn(at=chance.randint(1, 60), when=moment, **told)
        code = crowd.await_death()
        self.assertEqual(code, -9, crowd.daemon.said())
        self.assertIsNotNone(crowd.shim.fired())
        self.assertTrue(crowd.shim.cut())
        return told["keep"], moment

    def test_cuts(self):
        print(f"TW_FAULT_SEED={SEED} TW_FAULT_CYCLES={CYCLES}")
        sorts, done, trades, alerts, lost = {}, 0, 0, 0, 0
        for log in range((CYCLES + CYCLES_A_LOG - 1) // CYCLES_A_LOG):
            seed = SEED * 1000 + log
            with self.subTest(seed=seed), Crowd(seed, often(), exact_records=False) as crowd:
                for _ in range(min(CYCLES_A_LOG, CYCLES - done)):
                    sort = self.one_cut(crowd)
                    lost += len(crowd.shim.lost())
                    sorts[sort] = sorts.get(sort, 0) + 1
                    done += 1
                    crowd.inspect()
                crowd.start()
                for publisher in crowd.publishers:
                    publisher.wait_progress(1)
                more, events = crowd.reckon()
                trades, alerts = trades + more, alerts + events
        print(f"cuts: {sorts}; {lost} files and names lost something; {trades} trades, {alerts} alerts, all accounted for")
        self.assertGreater(alerts, 20, "too few alerts to show anything")
        self.assertGreater(lost, done / 4, "the cuts took too little to show anything")


if __name__ == "__main__":
    unittest.main()
