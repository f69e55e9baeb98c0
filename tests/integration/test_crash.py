# SPDX-License-Identifier: MIT
"""kill -9, dozens of times, mid-flight: nothing acked is lost, nothing is taken twice, no alert is renumbered.

TW_TEST_KILLS: how often (30, times TW_TEST_SCALE). TW_TEST_SEED: of the moments (1; printed).
"""

import os
import random
import time
import unittest

from harness import Catchup, Daemon, run_tool, scaled
from harness.market import Persistent, Watcher, made_up
from harness.verdict import as_submitted, differences, exported, judge_rows

KILLS = int(os.environ.get("TW_TEST_KILLS", scaled(30, 3)))
SEED = int(os.environ.get("TW_TEST_SEED", "1"))


def check_log(test, daemon, counts, watched, alerts, head):
    """The log holds each publisher's trades once, in order; the judge of the log agrees with the alerts."""
    rows = exported(daemon.data)
    test.assertEqual([row["seq"] for row in rows], list(range(1, len(rows) + 1)))
    for pub, count in counts.items():
        mine = [row for row in rows if row["pub"] == pub]
        test.assertEqual([(row["inc"], row["pseq"]) for row in mine], [(0, number) for number in range(1, count + 1)])
        for row in mine:
            test.assertEqual(row["id"], f"{pub}-{row['pseq']}")
            wanted = made_up(pub, row["pseq"])
            test.assertEqual((row["symbol"], row["ts"], row.get("account")),
                             (wanted["symbol"], wanted["ts"], wanted.get("account")))
            test.assertEqual((float(row["qty"]), float(row["price"])), (wanted["qty"], wanted["price"]))
    test.assertEqual(len(rows), sum(counts.values()))

    test.assertEqual([alert["n"] for alert, _ in alerts], list(range(1, len(alerts) + 1)))
    for n, raw in watched.items():
        test.assertEqual(alerts[n - 1][1], raw, f"alert {n} is not what a subscriber saw: {alerts[n - 1][0]}")
    events, summary = judge_rows(map(as_submitted, rows))
    test.assertEqual(differences([alert for alert, _ in alerts], events), [])
    test.assertEqual((head["last"], head["digest"]), (summary["count"], summary["digest"]))
    test.assertGreater(len(events), 20, "too few alerts to show anything")


class Crash(unittest.TestCase):
    def run_market(self, interrupt, sets=None):
        """Publishers run while `interrupt(daemon, publishers)` does its worst; then all must add up."""
        with Daemon(sets=sets) as daemon:
            watcher = Watcher(daemon)
            publishers = [Persistent(daemon, "rows"), Persistent(daemon, "columns", columnar=True),
                          Persistent(daemon, "big", columnar=True, batch=300)]
            for thread in (watcher, *publishers):
                thread.start()
            interrupt(daemon, publishers)
            counts = {publisher.pub: publisher.finish() for publisher in publishers}
            with Catchup(daemon) as catchup:
                head = watcher_head(daemon, sum(counts.values()))
                alerts = catchup.everything()
            watched = watcher.finish()
            self.assertEqual(daemon.stop()[0], 0)
            verify = run_tool("store", "verify", "--data", daemon.data)
            self.assertEqual(verify.code, 0, verify)
            check_log(self, daemon, counts, watched, alerts, head)
            replay = run_tool("replay", "--data", daemon.data, seconds=120)
            self.assertEqual(replay.code, 0, replay)
            self.assertIn(head["digest"], replay.out + replay.err)

    def test_killed_dozens_of_times(self):
        print(f"TW_TEST_SEED={SEED} TW_TEST_KILLS={KILLS}")
        chance = random.Random(SEED)

        def kills(daemon, publishers):
            for kill in range(KILLS):
                with self.subTest(kill=kill):
                    if chance.random() < 0.2:       # while it comes up, or a moment after
                        time.sleep(chance.random() * 0.3)
                    else:
                        chance.choice(publishers).wait_progress(chance.randint(1, 1500))
                    daemon.kill()
                    daemon.spawn()
            daemon.await_ready(60)
            for publisher in publishers:
                publisher.wait_progress(1)
        self.run_market(kills, {"pipeline/shards": 2})

    def test_a_torn_tail_of_the_log_is_cut_and_goes_on(self):
        """What a power loss leaves behind: a write-ahead log that ends in the middle of a record."""
        with Daemon() as daemon:
            publisher = Persistent(daemon, "rows")
            publisher.start()
            publisher.wait_progress(500)
            daemon.kill()
            logs = [os.path.join(at, name) for at, _, names in os.walk(daemon.data) for name in names
                    if name.endswith(".log") and name[:-4].isdigit()]
            newest = max(logs, key=os.path.getmtime)
            with open(newest, "ab") as file:
                file.write(b"\x00\x01half a record" * 3)
            daemon.restart()
            count = publisher.finish()
            self.assertEqual(daemon.stop()[0], 0)
            rows = exported(daemon.data)
            self.assertEqual([row["pseq"] for row in rows], list(range(1, count + 1)))


def watcher_head(daemon, durable):
    from harness import Subscriber
    with Subscriber(daemon) as subscriber:
        return subscriber.wait_head(f"{durable} trades judged", lambda head: head["durable"] == durable, seconds=60)


if __name__ == "__main__":
    unittest.main()
