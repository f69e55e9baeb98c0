# SPDX-License-Identifier: MIT
"""Alerts that mute others: told to nobody while the others hold, which their record says; told when those end."""

import json
import unittest

from test_feeds import Feed

from harness import Daemon, Publisher, Scratch, run_tool, trade, wait_until
from harness.sinks import Webhook

SECOND = 10**9
QUIET = {"exposure/remark": 0, "rules/velocity/threshold": 2, "rules/anomaly/enabled": "off"}


class Inhibition(unittest.TestCase):
    def setUp(self):
        self.scratch = self.enterContext(Scratch())
        self.data = self.scratch.path("data")
        self.ops = self.enterContext(Webhook())

    def tool(self, command, *words):
        done = run_tool(command, *words, "--json", "--data", self.data)
        self.assertEqual(done.code, 0, done)
        return [json.loads(line) for line in done.out.splitlines()]

    def raised(self, count):
        wait_until(f"{count} alerts", lambda: self.tool("alerts", "list")[-1:] and
                   max(row["last_n"] for row in self.tool("alerts", "list")) >= count)

    def check_end(self, daemon):
        self.assertEqual(self.ops.faults, [])
        self.assertEqual(daemon.stop()[0], 0)
        self.assertEqual(run_tool("store", "verify", "--data", self.data).code, 0)
        self.assertEqual(run_tool("replay", "--verify", "--data", self.data).code, 0)

    def test_a_critical_mutes_the_high_of_its_entity_through_a_crash_until_it_ends(self):
        daemon = Daemon(data=self.data, sets=QUIET | {"webhook/ops": self.ops.url, "inhibit/worst/preset": "critical"})
        with daemon:
            with Publisher(daemon, "desk-1") as publisher:
                publisher.publish([trade(symbol="X", qty=9000, price=200, account="A")])     # n 1, 2: CRITICAL A and X
                publisher.publish([trade(symbol="Y", account="A"), trade(symbol="Y", account="A")])     # n 3: HIGH A
                publisher.publish([trade(symbol="Y", account="B") for _ in range(3)])                   # n 4: HIGH B
                self.raised(4)
                self.ops.wait("all but one", lambda got: self.ops.numbers() == [1, 2, 4])
                self.assertEqual(self.tool("alerts", "show", "3")[0]["muted"], [{"n": 3, "rule": "worst", "by": 1, "told": None}])
                self.assertIn("n 3 was told to nobody: muted by n 1, inhibit/worst",
                              run_tool("alerts", "show", "3", "--data", self.data).out)
                self.assertEqual(self.tool("silences", "muted"), [{"rule": "worst", "muted": 1, "told": 0, "last_n": 3}])
                daemon.kill()
            daemon.restart()            # what is open is known
            with Publisher(daemon, "desk-1", 1) as publisher:
                # A minute later A's velocity ends (muted as its beginning was), and begins again.
                publisher.publish([trade(symbol="Y", account="A", ts=trade()["ts"] + 90 * SECOND) for _ in range(3)])
                self.raised(6)
                rows = self.tool("alerts", "show", "3")[0]["muted"]
                self.assertEqual([(row["n"], row["told"]) for row in rows], [(3, None), (5, None)])
                publisher.publish([trade(symbol="X", side="S", qty=9000, price=200, account="A",
                                         ts=trade()["ts"] + 91 * SECOND)])       # both CRITICAL end
                self.ops.wait("what is open still, and what ended it",
                              lambda got: set(self.ops.numbers()) == {1, 2, 4, 6, 7, 8, 9})
            again = [row for row in self.tool("alerts", "list") if row["type"] == "HIGH_TRANSACTION_VELOCITY" and
                     row["entity"] == "A" and row["state"] == "open"]
            self.assertEqual(len(again), 1, again)
            [muted] = self.tool("alerts", "show", str(again[0]["n"]))[0]["muted"]
            self.assertEqual((muted["n"], muted["told"]), (7, 8))
            self.assertEqual(self.tool("silences", "muted"), [{"rule": "worst", "muted": 3, "told": 1, "last_n": 7}])
            self.check_end(daemon)
        self.check_replay(daemon.sets)

    def check_replay(self, sets):
        """Who would have been told is who was; and a single alert says why not."""
        words = [word for key, value in sets.items() for word in ("--set", f"{key}={value}")]
        done = run_tool("replay", "--deliveries", "--json", "--data", self.data, *words)
        self.assertEqual(done.code, 0, done)
        rows = [json.loads(line) for line in done.out.splitlines()]
        told = [row for row in rows if row.get("receiver") == "ops"]
        self.assertEqual(sorted(row["n"] for row in told), self.ops.numbers())
        self.assertEqual([row["n"] for row in told if row.get("no_longer_muted") == "worst"], [7])
        self.assertEqual([(row["n"], row["muted"]) for row in rows if row.get("receiver", "") is None],
                         [(3, "inhibit/worst, by alert 1"), (5, "inhibit/worst, by alert 1"), (7, "inhibit/worst, by alert 1")])
        self.assertEqual((rows[-1]["muted"], rows[-1]["no_longer_muted"], rows[-1]["deliveries"]), (3, 1, {"ops": 7}))
        done = run_tool("route", "test", "--alert", "3", "--data", self.data, "--json", *words)
        self.assertEqual((done.code, json.loads(done.out)["muted"]), (1, {"rule": "worst", "by": 1}), done)
        done = run_tool("route", "test", "--alert", "3", "--data", self.data, *words)
        self.assertIn("muted: inhibit/worst, by what began with alert 1", done.out)
        self.assertIn("told: nobody", done.out)
        done = run_tool("route", "test", "--alert", "4", "--data", self.data, *words)
        self.assertEqual((done.code, done.out.splitlines()[-1]), (0, "told: ops"))

    def test_what_is_released_waits_is_silenced_and_escalated_like_any_other_and_replay_knows(self):
        boss = self.enterContext(Webhook())
        sets = QUIET | {"webhook/ops": self.ops.url, "webhook/boss": boss.url, "inhibit/worst/preset": "critical",
                        "route/all/receiver": "ops", "route/all/escalate_after": 1, "route/all/escalate_to": "boss",
                        "route/all/group_by": "type", "route/all/group_wait": 1}
        words = [word for key, value in sets.items() for word in ("--set", f"{key}={value}")]
        # n 1, 2: CRITICAL A and X; n 3: HIGH A, muted until they end, n 4 and 5.
        trades = [trade(symbol="X", qty=9000, price=200, account="A"), trade(symbol="Y", account="A"),
                  trade(symbol="Y", account="A"), trade(symbol="X", side="S", qty=9000, price=200, account="A")]
        for silence, expected in ((False, [("boss", 3), ("ops", 1), ("ops", 2), ("ops", 3), ("ops", 4), ("ops", 5)]),
                                  (True, [("ops", 1), ("ops", 2), ("ops", 4), ("ops", 5)])):
            self.data = self.scratch.path(f"silence-{silence}")
            with self.subTest(silence=silence), Daemon(data=self.data, sets=sets) as daemon:
                if silence:
                    self.tool("silences", "add", "type=HIGH_TRANSACTION_VELOCITY", "--for", "1h", "--note", "known")
                with Publisher(daemon, "desk-1") as publisher:
                    publisher.publish(trades)
                wait_until("all that is told", lambda: self.delivered() == expected)
                self.assertEqual(daemon.stop()[0], 0)
                rows = self.tool("replay", "--deliveries", *words)
                self.assertEqual(sorted((row["receiver"], row["n"]) for row in rows if row.get("receiver") and
                                        "escalation_not_needed" not in row), expected)
                why = [{key: value for key, value in row.items() if key in ("receiver", "group", "escalation", "silence")}
                       for row in rows if row.get("no_longer_muted") == "worst"]
                self.assertEqual(why, [{"receiver": None, "silence": "1"}] if silence else
                                 [{"receiver": "ops", "group": "all{type=HIGH_TRANSACTION_VELOCITY}"},
                                  {"receiver": "boss", "escalation": "open"}])
                by = 1 + (self.tool("alerts", "show", "2")[0]["entity_type"] == "CLIENT")
                ended = self.tool("alerts", "show", str(by))[0]["last_n"]
                self.assertEqual(self.tool("alerts", "show", "3")[0]["muted"],
                                 [{"n": 3, "rule": "worst", "by": by} |
                                  ({"told": None, "released": ended, "silence": 1} if silence else {"told": ended})])
                self.assertEqual(self.tool("silences", "muted"),
                                 [{"rule": "worst", "muted": 1, "told": int(not silence), "last_n": 3}])
                said = run_tool("alerts", "show", "3", "--data", self.data).out
                self.assertIn(f"n 3 was told to nobody: muted by n {by}, inhibit/worst, and " +
                              (f"hidden by silence 1 when n {ended} ended that\n" if silence else f"told with n {ended}, when"), said)

    def delivered(self):
        return sorted((row["receiver"], row["n"]) for row in self.tool("deliveries", "list") if row["state"] == "delivered")

    def test_a_gap_mutes_what_it_makes_doubtful(self):
        with Feed() as feed:
            daemon = Daemon(data=self.data, feeds={"lossy": feed.where},
                            sets=QUIET | {"webhook/ops": self.ops.url, "inhibit/gaps/preset": "feed_gap",
                                          "inhibit/gaps/hold": 60})
            with daemon:
                feed.await_subscriber()
                feed.send("exchange", 1, [trade()])
                feed.send("exchange", 6, [trade(account="B"), trade(account="B"), trade(account="B")])  # n 1: gap; n 2: B
                self.raised(2)
                with Publisher(daemon, "desk-1") as publisher:
                    publisher.publish([trade(account="C"), trade(account="C"), trade(account="C")])     # n 3
                self.ops.wait("the gap, and what is another's", lambda got: self.ops.numbers() == [1, 3])
                self.assertEqual(self.tool("alerts", "show", "2")[0]["muted"], [{"n": 2, "rule": "gaps", "by": 1, "told": None}])
                self.assertEqual(daemon.stop()[0], 0)       # its state is kept
                daemon.restart()
                feed.come_and_go()
                late = trade()["ts"] + 59 * SECOND
                feed.send("exchange", 9, [trade(account="D", ts=late) for _ in range(3)])               # n 4: D
                self.raised(4)
                with Publisher(daemon, "desk-1", 1) as publisher:                # by the trades' clock it is over
                    publisher.publish([trade(account="E", ts=late + SECOND) for _ in range(3)])
                self.ops.wait("what was muted and is open", lambda got: 4 in self.ops.numbers())
                [shown] = self.tool("alerts", "show", "4")[0]["muted"]
                self.assertEqual((shown["rule"], shown["by"], shown["told"]), ("gaps", 1, 5))   # 5: B's ends, untold
                self.check_end(daemon)

    def test_a_one_shot_alert_that_was_muted_is_never_told_and_its_record_says_so(self):
        sets = QUIET | {"webhook/ops": self.ops.url, "inhibit/calm/source": "type=HIGH_SYMBOL_EXPOSURE severity=CRITICAL",
                        "inhibit/calm/target": "type=LARGE_TRADE", "rules/client_exposure/enabled": "off"}
        with Daemon(data=self.data, sets=sets) as daemon:
            with Publisher(daemon, "desk-1") as publisher:
                publisher.publish([trade(symbol="X", qty=9000, price=200, account="A")])                # n 1: CRITICAL X
                publisher.publish([trade(symbol="Y", qty=20000, price=1, account=None, side=None)])     # n 2: one-shot
                publisher.publish([trade(symbol="X", side="S", qty=9000, price=200, account="A")])      # n 3: X ends
                publisher.publish([trade(symbol="Z", qty=20000, price=1, account=None, side=None)])     # n 4: one-shot
                self.ops.wait("all but one", lambda got: self.ops.numbers() == [1, 3, 4])
            self.assertEqual(self.tool("alerts", "show", "2")[0]["muted"], [{"n": 2, "rule": "calm", "by": 1, "told": None}])
            self.assertIn("n 2 was told to nobody: muted by n 1, inhibit/calm; it is one-shot, and stays untold\n",
                          run_tool("alerts", "show", "2", "--data", self.data).out)
            self.assertEqual(self.tool("silences", "muted"), [{"rule": "calm", "muted": 1, "told": 0, "last_n": 2}])
            self.assertIn(2, [row["last_n"] for row in self.tool("alerts", "list")])
            self.check_end(daemon)

    def test_without_rules_nothing_is_muted_and_bad_rules_are_refused(self):
        done = run_tool("config", "check", "--set", "inhibit/x/source=severity=HIGH")
        self.assertEqual(done.code, 2, done)
        self.assertIn("this rule has no source or no target", done.err)
        with Daemon(data=self.data, sets=QUIET | {"webhook/ops": self.ops.url}) as daemon:
            with Publisher(daemon, "desk-1") as publisher:
                publisher.publish([trade(symbol="X", qty=9000, price=200, account="A")] + [trade(symbol="Y", account="A")] * 2)
                self.ops.wait_numbers(3)
            self.assertEqual(self.tool("silences", "muted"), [])
            self.check_end(daemon)


if __name__ == "__main__":
    unittest.main()
