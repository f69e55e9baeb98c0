# SPDX-License-Identifier: MIT
"""Routes with groups: what has something in common waits for each other and arrives as one message, once, through a
crash; and is told again while it is open and nobody has it."""

import json
import threading
import unittest

from harness import Daemon, Publisher, Scratch, run_tool, trade, wait_until
from harness.alertmanager import WebhookOfAlertmanager
from harness.sinks import Slack, Webhook

GROUPS = {"exposure/remark": 0, "rules/anomaly/enabled": "off", "route/all/receiver": "ops",
          "route/all/group_by": "type", "route/all/group_wait": 2, "route/all/group_interval": 3}


def large(count, name="desk"):
    return [trade(qty=20000, id=f"{name}-{at}", account=None, side=None) for at in range(count)]


class Grouping(unittest.TestCase):
    def setUp(self):
        self.scratch = self.enterContext(Scratch())
        self.data = self.scratch.path("data")
        self.ops = self.enterContext(Webhook())
        self.sets = GROUPS | {"webhook/ops": self.ops.url}

    def rows(self, *words):
        done = run_tool("deliveries", "list", "--json", "--data", self.data, *words)
        self.assertEqual(done.code, 0, done)
        return [json.loads(line) for line in done.out.splitlines()]

    def told(self):
        """Numbers of the alerts in messages, in the order in which they came."""
        with self.ops.changed:
            return [sorted(alert["n"] for alert in message["alerts"]) if "digest" in message else [message["n"]]
                    for message in self.ops.got]

    def check_end(self, daemon):
        wait_until("nothing pending", lambda: not self.rows("--state", "pending"))
        self.assertEqual(self.ops.faults, [])
        self.assertEqual(daemon.stop()[0], 0)
        self.assertEqual(run_tool("store", "verify", "--data", self.data).code, 0)

    def test_a_group_is_one_message_and_survives_kill_while_it_waits(self):
        daemon = Daemon(data=self.data, sets=self.sets)
        with daemon:
            with Publisher(daemon, "desk-1") as publisher:
                publisher.publish(large(5) + [trade(symbol="Y", qty=9000, price=200, account="A")])
            wait_until("what waits", lambda: len(self.rows("--state", "pending")) == 7)
            self.assertEqual({row["group"] for row in self.rows("--state", "pending")},
                             {"all{type=LARGE_TRADE}", "all{type=HIGH_CLIENT_EXPOSURE}", "all{type=HIGH_SYMBOL_EXPOSURE}"})
            self.assertEqual(self.ops.requests, 0)
            daemon.kill()               # in the wait
            daemon.restart()
            self.ops.wait("three groups", lambda got: len(got) == 3)
            self.assertEqual(sorted(self.told()), [[1, 2, 3, 4, 5], [6], [7]])  # one alone is itself
            [message] = [message for message in self.ops.got if "digest" in message]
            self.assertEqual((message["digest"]["group"], message["digest"]["count"]), ("all{type=LARGE_TRADE}", 5))
            with Publisher(daemon, "desk-1", 1) as publisher:
                publisher.publish(large(2, "more"))
            self.ops.wait("the group's next message", lambda got: len(got) == 4)
            self.assertEqual(self.told()[3], [8, 9])
            self.check_end(daemon)
            self.assertEqual(self.ops.repeats, 0)
        rows = [row for row in self.rows() if row["state"] == "delivered"]
        self.assertEqual(sorted(row["n"] for row in rows), list(range(1, 10)))
        self.assertIn("in the group all{type=LARGE_TRADE} of 5, under alert 5", rows[0]["answer"])
        words = [word for key, value in self.sets.items() for word in ("--set", f"{key}={value}")]
        done = run_tool("replay", "--deliveries", "--json", "--data", self.data, *words)
        rows = [json.loads(line) for line in done.out.splitlines()]
        self.assertEqual([row["group"] for row in rows if row.get("n") in (1, 6)],
                         ["all{type=LARGE_TRADE}", "all{type=HIGH_CLIENT_EXPOSURE}"])
        self.assertEqual(rows[-1]["deliveries"], {"ops": 9})
        alert = ("type=LARGE_TRADE", "severity=HIGH", "entity=desk-1/0/1")
        done = run_tool("route", "test", *alert, *words)
        self.assertIn("in the group all{type=LARGE_TRADE}, which waits 2 s, then 3 s between messages: ops", done.out)
        said = json.loads(run_tool("route", "test", *alert, "--json", *words).out)
        self.assertEqual(said["groups"], [{"group": "all{type=LARGE_TRADE}", "receivers": ["ops"]}])
        self.assertEqual((said["muted"], said["silence"], said["told"]), (None, 0, ["ops"]))

    def test_a_message_that_was_made_is_the_same_after_a_crash_and_is_not_mixed_with_others(self):
        self.ops.mode = "broken"
        daemon = Daemon(data=self.data, sets=self.sets | {"delivery/retry_first": 1, "delivery/retry_max": 1,
                                                          "route/all/group_wait": 0, "route/all/group_interval": 0})
        with daemon:
            with Publisher(daemon, "desk-1") as publisher:
                publisher.publish(large(4))
            wait_until("an attempt", lambda: self.ops.requests >= 1)
            with Publisher(daemon, "desk-1", 1) as publisher:
                publisher.publish(large(3, "more"))
            wait_until("both pending", lambda: len(self.rows("--state", "pending")) == 7)
            daemon.kill()
            self.ops.mode = "ok"
            daemon.restart()
            self.ops.wait("all", lambda got: sum(map(len, self.told())) == 7)
            self.assertEqual(sorted(sum(self.told(), [])), list(range(1, 8)))   # each once
            self.assertTrue(all(told[-1] <= 4 or told[0] > 4 for told in self.told()), self.told())
            self.check_end(daemon)
            self.assertEqual(self.ops.repeats, 0)

    def test_a_group_that_is_refused_is_a_dead_letter_for_each(self):
        self.ops.mode = "refusing"
        with Daemon(data=self.data, sets=self.sets) as daemon:
            with Publisher(daemon, "desk-1") as publisher:
                publisher.publish(large(3))
            wait_until("dead letters", lambda: len(self.rows("--state", "dead")) == 3)
            self.ops.mode = "ok"
            self.assertEqual(run_tool("deliveries", "retry", "--receiver", "ops", "--data", self.data).code, 0)
            self.ops.wait_numbers(3)
            self.check_end(daemon)

    def test_no_event_overtakes_an_older_one_of_its_alert(self):
        sets = self.sets | {"route/worst/match": "severity=CRITICAL", "route/worst/receiver": "ops"}
        # `worst` stands behind `all` in the order of flags unless it is put first.
        sets = {key: value for key, value in sets.items() if not key.startswith("route/all")} | \
               {key: value for key, value in sets.items() if key.startswith("route/all")}
        with Daemon(data=self.data, sets=sets | {"route/all/group_wait": 600}) as daemon:
            with Publisher(daemon, "desk-1") as publisher:
                publisher.publish([trade(qty=4000, price="150.00")])       # X opens HIGH: waits in its group
                wait_until("it waits", lambda: len(self.rows("--state", "pending")) == 1)
                publisher.publish([trade(qty=2000, price="150.00")])       # CRITICAL: at once, and not before the other
                self.ops.wait("both", lambda got: len(got) == 2)
                self.assertEqual([(message["n"], message["event"]) for message in self.ops.got], [(1, "open"), (2, "escalate")])
            self.check_end(daemon)

    def test_no_digest_overtakes_what_waits_in_a_group(self):
        sets = {"exposure/remark": 0, "rules/anomaly/enabled": "off", "rules/client_exposure/enabled": "off",
                "rules/velocity/enabled": "off", "webhook/ops": self.ops.url, "limit/ops": 60,
                "route/worst/match": "severity=CRITICAL", "route/worst/receiver": "ops",
                "route/all/receiver": "ops", "route/all/group_by": "type", "route/all/group_wait": 6}
        with Daemon(data=self.data, sets=sets) as daemon, Publisher(daemon, "desk-1") as publisher:
            publisher.publish([trade(qty=4000, price="150.00")])                    # X opens HIGH: waits in its group
            publisher.publish([trade(symbol=f"S{at}", qty=9000, price="150.00") for at in range(300)] +
                              [trade(qty=3000, price="150.00")])                    # 300 that are CRITICAL; X is, too
            self.ops.wait("all of them", lambda got: sum(m["digest"]["count"] if "digest" in m else 1 for m in got) == 302)
            self.assertTrue(any("digest" in message for message in self.ops.got))
            at = {alert["n"]: place for place, message in enumerate(self.ops.got)
                  for alert in message.get("alerts", [message]) if alert["entity"] == "X"}
            self.assertEqual(sorted(at), [1, 302])
            self.assertLessEqual(at[1], at[302])                                    # in one message, it may be
            self.check_end(daemon)

    def test_what_is_open_and_nobody_has_is_told_again(self):
        sets = self.sets | {"route/all/repeat_interval": 3, "route/all/group_wait": 0, "route/all/group_interval": 0}
        daemon = Daemon(data=self.data, sets=sets)
        with daemon:
            with Publisher(daemon, "desk-1") as publisher:
                publisher.publish(large(3))
            self.ops.wait("the group", lambda got: sum(len(m.get("alerts", [m])) for m in got) == 3)
            first = len(self.ops.got)
            self.assertEqual(run_tool("alerts", "ack", "2", "--by", "maria", "--data", self.data).code, 0)
            daemon.kill()
            daemon.restart()
            self.ops.wait("the group again", lambda got: len(got) > first)
            self.assertEqual(self.told()[first], [1, 3])
            self.assertEqual(self.ops.got[first]["digest"]["repeat"], 1)
            for n in ("1", "3"):
                self.assertEqual(run_tool("alerts", "close", n, "--as", "true_positive", "--data", self.data).code, 0)
            self.check_end(daemon)

    def test_a_silence_that_hid_how_it_grew_does_not_end_the_telling(self):
        sets = self.sets | {"route/all/repeat_interval": 3, "route/all/group_wait": 0, "route/all/group_interval": 0,
                            "rules/client_exposure/enabled": "off"}
        with Daemon(data=self.data, sets=sets) as daemon, Publisher(daemon, "desk-1") as publisher:
            publisher.publish([trade(qty=4000, price="150.00")])       # X opens HIGH
            self.ops.wait("it", lambda got: len(got) == 1)
            for words in (("add", "severity=CRITICAL", "--for", "1h", "--note", "known"), ("expire", "1")):
                self.assertEqual(run_tool("silences", *words, "--data", self.data).code, 0)
                if words[0] == "add":
                    publisher.publish([trade(qty=2000, price="150.00")])
            self.ops.wait("it again", lambda got: len(got) == 2)
            self.assertEqual((self.told(), self.ops.got[1]["digest"]["repeat"]), ([[1], [1]], 1))
            self.assertEqual(run_tool("alerts", "close", "1", "--as", "true_positive", "--data", self.data).code, 0)
            self.check_end(daemon)

    def test_a_wild_symbol_is_one_message_to_a_person(self):
        with Slack() as slack:
            sets = {"route/all/receiver": "slack", "route/all/group_by": "type", "route/all/group_wait": 2}
            with Daemon(data=self.data, sets=sets, extra={"SLACK_WEBHOOK_URL": slack.url}) as daemon:
                with Publisher(daemon, "desk-1") as publisher:
                    publisher.publish(large(3000), seconds=60)
                slack.wait("one message", lambda got: len(got) == 1, 60)
                self.assertIn("3000 alerts of all{type=LARGE_TRADE}: 3000 LARGE_TRADE (3000 HIGH)", slack.got[0]["text"])
                wait_until("nothing pending", lambda: not self.rows("--state", "pending"))
                self.assertEqual(len(slack.got), 1)
                self.assertEqual(slack.faults, [])
                self.assertEqual(daemon.stop()[0], 0)

    def test_groups_that_share_no_alert_go_beside_each_other(self):
        self.ops.together = threading.Barrier(3)
        sets = self.sets | {"route/all/group_by": "entity", "route/all/group_wait": 1, "route/all/group_interval": 0}
        with Daemon(data=self.data, sets=sets) as daemon:
            with Publisher(daemon, "desk-1") as publisher:
                publisher.publish(large(300))
            self.ops.wait_numbers(300)
            self.assertEqual(sorted(self.told()), [[n] for n in range(1, 301)])
            self.check_end(daemon)
            self.assertEqual(self.ops.repeats, 0)

    def test_many_groups_are_each_told_once_and_in_order_of_their_alerts_through_a_kill(self):
        sets = self.sets | {"route/all/group_by": "entity", "route/all/group_wait": 1, "route/all/group_interval": 1,
                            "rules/client_exposure/enabled": "off", "rules/velocity/enabled": "off"}
        names = [f"S{at}" for at in range(800)]     # more groups than one look takes
        daemon = Daemon(data=self.data, sets=sets)
        with daemon:
            with Publisher(daemon, "desk-1") as publisher:
                for qty, side in ((4000, "BUY"), (2000, "BUY"), (4000, "SELL")):    # opens, grows worse, resolves
                    publisher.publish([trade(symbol=name, qty=qty, price="150.00", side=side, account=name)
                                       for name in names], seconds=60)
            self.ops.wait("some of them", lambda got: len(got) >= 100)
            daemon.kill()       # in mid-delivery
            daemon.restart()
            self.ops.wait("all", lambda got: len(set(sum(self.told(), []))) == 3 * len(names), 60)
            self.check_end(daemon)
        newest, seen = {}, set()
        for message in self.ops.got:
            for alert in sorted(message.get("alerts", [message]), key=lambda alert: alert["n"]):
                if alert["n"] not in seen:      # what the kill took comes again
                    self.assertGreater(alert["n"], newest.get(alert["id"], 0))
                    newest[alert["id"]] = alert["n"]
                    seen.add(alert["n"])
        rows = [row for row in self.rows() if row["state"] == "delivered"]
        self.assertEqual(sorted({row["n"] for row in rows}), list(range(1, 3 * len(names) + 1)))

    def test_a_webhook_that_takes_no_groups_any_more_gets_each_alert(self):
        """Of what waited, first or again, and of messages that were made."""
        sets = self.sets | {"route/all/group_wait": 1, "route/all/group_interval": 600, "route/all/repeat_interval": 1,
                            "rules/client_exposure/enabled": "off"}
        worse = [trade(symbol=f"S{at}", qty=9000, price="150.00") for at in range(6)]
        daemon = Daemon(data=self.data, sets=sets)
        with daemon, WebhookOfAlertmanager() as changed:
            with Publisher(daemon, "desk-1") as publisher:
                publisher.publish(large(3))
                wait_until("they wait again", lambda: self.ops.got and len(self.rows("--state", "pending")) == 3)
                self.ops.mode = "broken"
                publisher.publish(worse[:3])
                wait_until("a message", lambda: self.ops.requests >= 2)
                publisher.publish(worse[3:])
                wait_until("all", lambda: len(self.rows("--state", "pending")) == 9)
            daemon.kill()
            daemon.sets |= {"webhook/ops": changed.url, "webhook_form/ops": "alertmanager"}
            daemon.restart()
            wait_until("nothing pending", lambda: not self.rows("--state", "pending"))
            self.assertEqual(changed.faults, [])
            keys = [message["commonAnnotations"]["key"] for message in changed.got]
            self.assertEqual(sorted(int(key.split("-")[1]) for key in keys), list(range(1, 10)))
            delivered = [row["n"] for row in self.rows() if row["state"] == "delivered"]
            self.assertEqual(sorted(delivered), sorted([1, 2, 3, *range(1, 10)]))
            self.check_end(daemon)

    def test_groups_want_group_by(self):
        done = run_tool("config", "check", "--set", "webhook/ops=http://localhost:1", "--set", "route/x/receiver=ops",
                        "--set", "route/x/group_wait=5")
        self.assertEqual(done.code, 2, done)
        self.assertIn("there is no group_by", done.err)


if __name__ == "__main__":
    unittest.main()
