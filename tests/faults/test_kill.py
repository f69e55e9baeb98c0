#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 at random moments, at every Nth sync and while it starts: nothing acked lost, nothing twice, the same alerts,
and what people did to them.

TW_FAULT_CYCLES: kills (24, times TW_TEST_SCALE). TW_FAULT_SEED: of the moments (1; printed).
"""

import os
import time
import unittest

import place  # noqa: F401  -- finds the harness
from crowd import Crowd, Pastless, often
from harness import scaled

CYCLES = int(os.environ.get("TW_FAULT_CYCLES", scaled(24, 6)))
SEED = int(os.environ.get("TW_FAULT_SEED", 1))
CYCLES_A_LOG = 25       # then a fresh directory, so that recovery stays short


class Kill(unittest.TestCase):
    def one_kill(self, crowd):
        """What sort of kill it was. The daemon is dead afterwards."""
        chance = crowd.chance
        dice = chance.random()
        if dice < 0.15:                 # while it starts
            crowd.spawn()
            time.sleep(chance.random() * 0.3)
            crowd.daemon.kill()
            return "start"
        if dice < 0.40:                 # at any moment, from outside
            crowd.start(mode="none", delay_us=chance.choice((0, 1000, 5000)))
            crowd.await_progress(1, 300)
            crowd.daemon.kill()
            return "moment"
        when = chance.choice(("before", "after"))
        crowd.spawn(mode="kill", at=chance.randint(1, 60), when=when, delay_us=chance.choice((0, 500, 2000)))
        code = crowd.await_death()
        self.assertEqual(code, -9, crowd.daemon.said())
        self.assertIsNotNone(crowd.shim.fired(), crowd.shim.report()[-5:])
        path = crowd.shim.syncs()[-1][2]
        return f"sync of a snapshot {when}" if path.startswith("snapshots") else f"sync {when}"

    def test_kills(self):
        print(f"TW_FAULT_SEED={SEED} TW_FAULT_CYCLES={CYCLES}")
        sorts, done, trades, alerts, answered = {}, 0, 0, 0, 0
        for log in range((CYCLES + CYCLES_A_LOG - 1) // CYCLES_A_LOG):
            seed = SEED * 1000 + log
            with self.subTest(seed=seed), Crowd(seed, often()) as crowd:
                for _ in range(min(CYCLES_A_LOG, CYCLES - done)):
                    sort = self.one_kill(crowd)
                    crowd.check_threads()
                    sorts[sort] = sorts.get(sort, 0) + 1
                    done += 1
                    crowd.inspect()
                crowd.start()
                for publisher in crowd.publishers:
                    publisher.wait_progress(1)
                more, events = crowd.reckon()
                trades, alerts = trades + more, alerts + events
                answered += len(crowd.people.answered)
        print(f"kills: {sorts}; {trades} trades, {alerts} alerts, {answered} actions "
              "answered, all accounted for")
        self.assertGreater(alerts, 20, "too few alerts to show anything")
        self.assertGreater(answered, 20, "too few actions to show anything")


    def test_kills_while_days_are_dropped(self):
        cycles = max(5, CYCLES // 5)
        sorts, done, trades, alerts, dropped = {}, 0, 0, 0, 0
        for log in range((cycles + CYCLES_A_LOG - 1) // CYCLES_A_LOG):
            seed = SEED * 1000 + 500 + log
            with self.subTest(seed=seed), Pastless(seed) as crowd:
                for _ in range(min(CYCLES_A_LOG, cycles - done)):
                    sort = self.one_kill(crowd)
                    crowd.check_threads()
                    sorts[sort] = sorts.get(sort, 0) + 1
                    done += 1
                    crowd.inspect()
                crowd.start()
                crowd.publishers[0].wait_progress(12 * 120, seconds=60)
                more, events = crowd.reckon()
                trades, alerts = trades + more, alerts + events
                dropped += crowd.rows[0]["seq"] - 1
        print(f"kills: {sorts}; {trades} trades, of them {dropped} dropped; {alerts} alerts, all accounted for")


if __name__ == "__main__":
    unittest.main()
