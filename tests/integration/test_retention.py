# SPDX-License-Identifier: MIT
"""Retention in a running daemon: whole days of event time go, by age or by size; what stays is as it was."""

import json
import os
import pathlib
import re
import unittest

from harness import Catchup, Daemon, Publisher, Subscriber, run_tool, trade, wait_until
from harness.market import Watcher
from harness.verdict import exported
from harness.wire import DAY_NS

SLOW_SYNC = pathlib.Path(os.environ.get("TAPEWARDEN_BIN", "")).parent / "tests" / "libslow_sync.so"
A_DAY = 1200            # trades, 72 s apart
DAYS = 12
STEP_NS = 86400 * 10**9 // A_DAY
SETS = {"store/snapshot_trades": 500, "store/snapshot_seconds": 0, "store/index_run": 1024, "pipeline/shards": 2}


def nth(number):
    """The trade that desk-7 sends under that number."""
    return trade(symbol=("AAPL", "BAC", "IBM")[number % 3], account=f"A{number % 7}", side="BS"[number % 2],
                 qty=20000 if number % 50 == 0 else 10 + number % 90, price=10 + number % 5,
                 ts=DAY_NS + (number - 1) * STEP_NS, id=f"id-{number}")


def publish_days(publisher, first, last):
    """The trades of days first to last - 1, counted from 0, in submissions of 100."""
    for at in range(first * A_DAY, last * A_DAY, 100):
        publisher.send([nth(number) for number in range(at + 1, at + 101)])
        publisher.wait_durable()


def dropped(daemon):
    """Up to which trade."""
    return max((int(n) for n in re.findall(r"dropped the trades up to (\d+)", daemon.said())), default=0)


def head_of(daemon, durable):
    with Subscriber(daemon) as subscriber:
        return subscriber.wait_head(f"{durable} trades judged", lambda head: head["durable"] == durable, seconds=60)


class Retention(unittest.TestCase):
    def check_publisher(self, publisher):
        """Numbers of dropped trades are still known to be used; what is kept is still compared and found."""
        last = publisher.next_seq - 1
        publisher.send([nth(number) for number in range(1, 101)], seq=1)            # a very late resend
        publisher.send([nth(last + 1)])
        self.assertIsNone(publisher.wait_durable()["hold"])
        refused = publisher.ack["refused_total"]
        gone, kept = trade(kind="bust", ref="id-1", qty=None, price=None, symbol=None, account=None, side=None,
                           ts=nth(last + 1)["ts"]), None
        kept = dict(gone, ref=f"id-{last - 10}")
        publisher.send([gone, kept])
        publisher.wait_durable()
        ack = publisher.wait_ack("one refusal more", lambda ack: ack["refused_total"] == refused + 1)
        self.assertEqual([(r["seq"], r["code"]) for r in ack["refused"]][-1:], [(last + 2, "unknown_ref")])
        publisher.insist([nth(last) | {"price": 99}], last, "sequence_reused")
        return last + 2     # trades that were accepted

    def check_rest(self, daemon, alerts, trades):
        """After a kill: started from a snapshot, the same alerts, and what stays is whole."""
        head = head_of(daemon, trades)
        gone = dropped(daemon)
        daemon.kill()
        daemon.restart()
        self.assertIn("starts from the snapshot", daemon.said())
        self.assertNotIn("error", daemon.said())
        again = head_of(daemon, trades)
        self.assertEqual((again["last"], again["digest"]), (head["last"], head["digest"]))
        with Catchup(daemon) as catchup:
            everything = catchup.everything()
        self.assertEqual([alert["n"] for alert, _ in everything], list(range(1, head["last"] + 1)))
        for n, raw in alerts.items():
            self.assertEqual(everything[n - 1][1], raw, f"alert {n}")
        self.assertGreater(len(alerts), 100)
        self.assertEqual(daemon.stop()[0], 0)
        verify = run_tool("store", "verify", "--data", daemon.data, seconds=60)
        self.assertEqual(verify.code, 0, verify)
        rows = exported(daemon.data)
        self.assertEqual([row["seq"] for row in rows], list(range(gone + 1, trades + 1)))
        self.check_replay(daemon.data, head)

    def check_replay(self, data, head):
        """Every alert behind the oldest useful snapshot is derived again, to the byte."""
        done = run_tool("replay", "--data", data, "--verify", "--json", "--summary", seconds=60)
        self.assertEqual(done.code, 0, done)
        answer = json.loads(done.out)
        self.assertEqual((answer["alerts"], answer["digest"]), (head["last"], head["digest"]))
        self.assertGreater(answer["from_alert"], 0)
        self.assertEqual(answer["from_alert"] + answer["verified"], head["last"])
        done = run_tool("replay", "--data", data, "--set", "rules/velocity/threshold=20")     # what if? of what?
        self.assertEqual(done.code, 3, done)
        self.assertIn("were dropped", done.err)

    def run_days(self, sets, least, most):
        """Days come; trades up to at least `least` go, never more than `most`."""
        with Daemon(sets=SETS | sets) as daemon, Publisher(daemon, "desk-7") as publisher:
            watcher = Watcher(daemon)
            watcher.start()
            publisher.hello()
            for day in range(DAYS):
                publish_days(publisher, day, day + 1)
            wait_until(f"the trades up to {least} are dropped", lambda: dropped(daemon) >= least, seconds=30)
            self.assertLessEqual(dropped(daemon), most)
            trades = self.check_publisher(publisher)
            head_of(daemon, trades)
            self.check_rest(daemon, watcher.finish(), trades)

    def test_by_age_whole_days_go_and_so_many_stay(self):
        # The clock stands in the twelfth day: of the ninth a part is younger than three days, the eighth is older. The
        # last look may have been a snapshot earlier.
        self.run_days({"store/retain_days": 3}, 7 * A_DAY, 8 * A_DAY)

    def test_by_size_the_oldest_days_go_but_not_the_current_one(self):
        self.run_days({"store/retain_bytes": 1}, 9 * A_DAY, (DAYS - 1) * A_DAY)

    def test_without_a_limit_everything_stays(self):
        with Daemon(sets=SETS) as daemon, Publisher(daemon, "desk-7") as publisher:
            publisher.hello()
            publish_days(publisher, 0, 5)
            # At least the first, and one of what came meanwhile; how many more is a matter of the machine's pace.
            wait_until("snapshots", lambda: daemon.said().count("snapshot lsn=") >= 2, seconds=30)
            self.assertEqual(dropped(daemon), 0)
            self.assertEqual(daemon.stop()[0], 0)
            self.assertEqual(len(exported(daemon.data)), 5 * A_DAY)

    def test_a_limit_set_later_takes_hold_at_the_next_start(self):
        with Daemon(sets=SETS) as daemon, Publisher(daemon, "desk-7") as publisher:
            publisher.hello()
            publish_days(publisher, 0, 6)
            self.assertEqual(daemon.stop()[0], 0)
            daemon.sets["store/retain_days"] = 1
            daemon.restart()
            publisher.hello()
            publish_days(publisher, 6, 8)
            wait_until("four days are dropped", lambda: dropped(daemon) >= 4 * A_DAY - 200, seconds=30)
            self.assertLessEqual(dropped(daemon), 6 * A_DAY)

    @unittest.skipUnless(SLOW_SYNC.exists(), "sanitizers do not go together with what is preloaded")
    def test_what_was_to_go_may_stay_after_all(self):
        """Recorded, killed before the two snapshots that it waits for, and started with the wish to keep more."""
        with Daemon(sets=SETS) as daemon, Publisher(daemon, "desk-7") as publisher:
            publisher.hello()
            publish_days(publisher, 0, 6)
            self.assertEqual(daemon.stop()[0], 0)
            daemon.extra = {"LD_PRELOAD": str(SLOW_SYNC), "TW_SLOW_MS": "1000",
                            "TW_SLOW_ROOT": os.path.join(os.path.realpath(daemon.data), "snapshots")}
            daemon.sets["store/retain_days"] = 1
            daemon.restart()
            publisher.hello()
            publish_days(publisher, 6, 7)
            recorded = lambda: re.findall(r"retention by age: trades up to (\d+) go", daemon.said())
            wait_until("the record that says so", recorded, seconds=60)
            daemon.kill()
            allowed = int(recorded()[-1])
            self.assertEqual(dropped(daemon), 0, "the snapshots were quick: this shows nothing")
            daemon.extra, daemon.sets["store/retain_days"] = None, 4
            daemon.restart()
            publisher.hello()
            publish_days(publisher, 7, 8)
            wait_until("something is dropped", lambda: dropped(daemon) > 0, seconds=30)
            self.assertLess(dropped(daemon), allowed)
            head = head_of(daemon, 8 * A_DAY)
            self.assertEqual(daemon.stop()[0], 0)
            verify = run_tool("store", "verify", "--data", daemon.data, seconds=60)
            self.assertEqual(verify.code, 0, verify)
            self.check_replay(daemon.data, head)


if __name__ == "__main__":
    unittest.main()
