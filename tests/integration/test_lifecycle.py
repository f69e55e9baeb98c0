# SPDX-License-Identifier: MIT
"""What people do to alerts: recorded for good under dense numbers, heard by subscribers, given again by catch-up, kept
by crashes, snapshots, backups, and without a part in what is judged."""

import json
import unittest

from harness import Catchup, Daemon, Deadline, Publisher, Scratch, Subscriber, run_tool, trade, wait_until
from harness.sinks import Webhook


def large(count, name="desk"):
    return [trade(qty=20000, id=f"{name}-{at}") for at in range(count)]


class Lifecycle(unittest.TestCase):
    def setUp(self):
        self.scratch = self.enterContext(Scratch())
        self.data = self.scratch.path("data")

    def tool(self, *words):
        return run_tool("alerts", *words, "--data", self.data)

    def act(self, *words):
        done = self.tool(*words, "--json")
        self.assertEqual(done.code, 0, done)
        return json.loads(done.out)

    def shown(self, alert):
        done = self.tool("show", str(alert), "--json")
        self.assertEqual(done.code, 0, done)
        return json.loads(done.out)

    def listed(self, *words):
        done = self.tool("list", *words, "--json")
        self.assertEqual(done.code, 0, done)
        return [json.loads(line) for line in done.out.splitlines()]

    def raised(self, daemon, count=5, name="desk-1"):
        with Publisher(daemon, name) as publisher:
            publisher.publish(large(count, name))
        wait_until("the alerts", lambda: len(self.listed()) >= count)

    def test_an_alert_is_taken_passed_on_and_closed(self):
        with Daemon(data=self.data) as daemon, Subscriber(daemon, "action.", "head.") as subscriber:
            subscriber.joined()
            self.raised(daemon)
            ident = self.shown(3)["id"]
            self.assertEqual(self.shown(3)["state"], "open")
            said = [self.act("ack", "3", "--by", "maria", "--note", "calling the desk\nnow")]
            self.assertEqual(self.shown(ident[:8])["state"], "acknowledged")
            said.append(self.act("assign", ident, "--to", "pete", "--by", "maria"))
            self.assertEqual((self.shown("#3")["state"], self.shown(3)["assigned_to"]), ("assigned", "pete"))
            said.append(self.act("close", "3", "--as", "false_positive", "--by", "pété"))
            said.append(self.act("note", "3", "--note", "a word more"))
            self.assertEqual([action["h"] for action in said], [1, 2, 3, 4])
            self.assertEqual([action["verb"] for action in said], ["ack", "assign", "close", "note"])
            self.assertEqual({(action["id"], action["n"]) for action in said}, {(ident, 3)})
            shown = self.shown(3)
            self.assertEqual((shown["state"], shown["verdict"], shown["by"]), ("closed", "false_positive", "pété"))
            self.assertEqual(shown["actions"], said)
            self.assertEqual([event["n"] for event in shown["events"]], [3])
            self.assertEqual([row["n"] for row in self.listed("--state", "closed")], [3])
            for words in (("--json", "list"), ("--set=live/rate=7", "--json", "list", "--state=open"), ("--json", "show", "1")):
                done = self.tool(*words)
                self.assertEqual((done.code, json.loads(done.out.splitlines()[0])["state"]), (0, "open"), (words, done))
            self.assertEqual(self.tool("--type", "list").code, 2)   # no alert has this type
            self.assertEqual([row["n"] for row in self.listed("--state", "open")], [1, 2, 4, 5])
            heard = []
            wait_until("the actions", lambda: self.hear(subscriber, heard) >= 4)
            self.assertEqual([topic for topic, _ in heard], [f"action.{action['verb']}." for action in said])
            self.assertEqual([{key: value for key, value in action.items() if key != "v"} for _, action in heard], said)
            with Catchup(daemon) as catchup:
                everything = [action for action, _ in catchup.everything("actions", limit=3)]
                self.assertEqual(everything, [action for _, action in heard])
                self.assertEqual([a["h"] for a, _ in catchup.ask("actions", after=2)[0]], [3, 4])
                self.assertIn("error", catchup.ask("actions", severity="HIGH")[1])
            self.assertEqual(daemon.stop()[0], 0)
        self.assertEqual(self.shown(3), shown)       # of the directory at rest
        self.assertEqual(run_tool("store", "verify", "--data", self.data).code, 0)

    @staticmethod
    def hear(subscriber, heard):
        while subscriber.socket.poll(0):
            topic, said, _ = subscriber.hear(Deadline(5, "what is there"))
            if topic.startswith("action."):
                heard.append((topic, said))
        return len(heard)

    def refused(self, code, words, *arguments):
        done = self.tool(*arguments)
        self.assertEqual(done.code, code, done)
        self.assertIn(words, done.err)

    def test_what_cannot_be_done_is_said(self):
        with Daemon(data=self.data) as daemon:
            self.raised(daemon, 2)
            self.act("close", "1", "--as", "true_positive", "--by", "maria")
            self.refused(1, "closed as true_positive by maria (action 1)", "ack", "1")
            self.refused(1, "there is no alert 77; the newest is 2", "ack", "77")
            self.refused(1, "there is no alert whose id begins with 00000000", "show", "00000000")
            self.refused(4, "names no alert", "show", "abc")
            self.refused(4, "a note takes at most 1000 bytes", "note", "2", "--note", "x" * 1001)
            self.refused(4, "who it is by", "ack", "2", "--by", "a\nb")
            self.refused(2, "--note is not UTF-8", "note", "2", "--note", "caf\udce9")
            self.refused(2, "--to is not UTF-8", "assign", "2", "--to", "\udce9ve")
            self.refused(2, "assign wants --to", "assign", "2")
            self.refused(2, "close wants --as", "close", "2")
            self.refused(4, "true_positive or false_positive", "close", "2", "--as", "maybe")
            self.refused(2, "--state is open", "list", "--state", "new")
            self.refused(2, "wants an alert", "show")
            self.assertEqual(self.act("ack", "2")["h"], 2)  # none of that took a number
            daemon.stop()
        self.refused(3, "only a daemon records", "ack", "2")

    def test_crashes_snapshots_and_backups_keep_them_and_judging_knows_nothing_of_them(self):
        sets = {"store/snapshot_trades": 3, "pipeline/shards": 2}
        copy = self.scratch.path("copy")
        numbers = []
        for life in range(4):
            daemon = Daemon(data=self.data, sets=sets)
            with daemon:
                self.raised(daemon, 5, f"desk-{life}")
                for at in range(3):
                    numbers.append(self.act("note", str(1 + at), "--note", f"life {life}")["h"])
                if life == 2:
                    self.assertEqual(run_tool("store", "backup", copy, "--data", self.data).code, 0)
                daemon.kill()           # right behind the answer
        self.assertEqual(numbers, list(range(1, 13)))
        with Daemon(data=self.data, sets=sets) as daemon:
            self.assertEqual([action["h"] for action in self.shown(2)["actions"]], [2, 5, 8, 11])
            self.assertEqual(daemon.stop()[0], 0)
        self.assertEqual(run_tool("store", "verify", "--data", self.data).code, 0)
        replay = run_tool("replay", "--verify", "--data", self.data)
        self.assertEqual(replay.code, 0, replay)
        self.assertEqual(run_tool("store", "verify", "--data", copy).code, 0)
        self.data = copy
        self.assertEqual([action["h"] for action in self.shown(2)["actions"]], [2, 5, 8])

    def test_a_busted_trade_retracts_whatever_was_done(self):
        with Daemon(data=self.data) as daemon, Publisher(daemon, "desk-1") as publisher:
            publisher.publish(large(1))
            wait_until("the alert", lambda: self.listed())
            self.act("ack", "1")
            publisher.publish([{"kind": "bust", "ref": "desk-0"}])
            wait_until("the retraction", lambda: self.shown(1)["state"] == "retracted")
            self.refused(1, "retracted", "close", "1", "--as", "true_positive")
            self.assertEqual(self.act("note", "1", "--note", "it was an error")["n"], 2)


class Silences(unittest.TestCase):
    def setUp(self):
        self.scratch = self.enterContext(Scratch())
        self.data = self.scratch.path("data")

    def tool(self, *words, code=0, command="silences"):
        done = run_tool(command, *words, "--data", self.data)
        self.assertEqual(done.code, code, done)
        return done

    def listed(self):
        return [json.loads(line) for line in self.tool("list", "--json").out.splitlines()]

    def test_what_is_silenced_is_recorded_and_published_but_told_to_nobody(self):
        with Webhook() as ops:
            self.ops_url = ops.url
            daemon = Daemon(data=self.data, sets={"webhook/ops": ops.url})
            with daemon, Subscriber(daemon, "alert.", "head.") as subscriber:
                subscriber.joined()
                added = json.loads(self.tool("add", "type=LARGE_TRADE entity=~desk-1/.*", "--for", "2h", "--by", "maria",
                                             "--note", "migration", "--json").out)
                self.assertEqual((added["h"], added["verb"], added["match"]),
                                 (1, "silence", "type=LARGE_TRADE entity=~desk-1/.*"))
                self.assertEqual(added["ends"] - added["starts"], 7200 * 10**9)
                self.tool("add", "entity=nothing", "--for", "1d12h", "--in", "30m", "--hours", "Sat-Sun", "--note", "later")
                for name in ("desk-1", "desk-2"):
                    with Publisher(daemon, name) as publisher:
                        publisher.publish(large(3, name))
                self.assertEqual(len(subscriber.wait_alerts(6)), 6)
                ops.wait("three", lambda got: len(ops.numbers()) == 3)
                self.assertEqual(ops.numbers(), [4, 5, 6])
                rows = self.listed()
                self.assertEqual([(row["state"], row["hidden"]) for row in rows], [("active", 3), ("pending", 0)])
                shown = json.loads(self.tool("show", "2", "--json", command="alerts").out)
                self.assertEqual(shown["silenced"], [{"n": 2, "silence": 1}])
                self.assertIn("told to nobody: silence 1", self.tool("show", "2", command="alerts").out)
                daemon.kill()
                daemon.restart()        # it holds on
                with Publisher(daemon, "desk-1", 1) as publisher:
                    publisher.publish(large(1, "again"))
                wait_until("the alert", lambda: self.listed()[0]["hidden"] == 4)
                self.tool("expire", "1", "--by", "pete")
                self.assertEqual(self.listed()[0]["state"], "ended")
                with Publisher(daemon, "desk-1", 2) as publisher:
                    publisher.publish(large(1, "more"))
                ops.wait("the one behind it", lambda got: 8 in ops.numbers())
                self.assertEqual(ops.numbers(), [4, 5, 6, 8])
                self.assertEqual(ops.faults, [])
                self.assertEqual(daemon.stop()[0], 0)
        self.assertEqual([row["state"] for row in self.listed()], ["ended", "pending"])     # of the directory at rest
        done = run_tool("replay", "--deliveries", "--json", "--data", self.data, "--set", f"webhook/ops={self.ops_url}")
        rows = [json.loads(line) for line in done.out.splitlines()]
        self.assertEqual([row["n"] for row in rows if row.get("receiver") == "ops"], [4, 5, 6, 8])
        self.assertEqual([(row["n"], row["silence"]) for row in rows if row.get("receiver", "") is None],
                         [(1, "1"), (2, "1"), (3, "1"), (7, "1")])
        self.assertEqual(rows[-1]["silenced"], 4)
        done = run_tool("route", "test", "--alert", "2", "--data", self.data, "--set", f"webhook/ops={self.ops_url}")
        self.assertEqual(done.code, 1, done)
        self.assertIn("silenced: silence 1", done.out)
        self.assertEqual(run_tool("store", "verify", "--data", self.data).code, 0)
        self.assertEqual(run_tool("replay", "--verify", "--data", self.data).code, 0)

    def test_what_cannot_be_silenced_is_said(self):
        with Daemon(data=self.data) as daemon:
            for words, code, sentence in (
                    (("add", "colour=red", "--for", "1h", "--note", "x"), 4, "colour"),
                    (("add", "type=X", "--for", "1h"), 2, "--note WHY"),
                    (("add", "type=LARGE_TRADE", "--note", "x"), 2, "--for a time"),
                    (("add", "type=LARGE_TRADE", "--for", "1y", "--note", "x"), 2, "--for a time"),
                    (("add", "--for", "1h", "--note", "x"), 2, "takes matchers"),
                    (("add", "type=LARGE_TRADE", "--for", "1h", "--hours", "noon", "--note", "x"), 4, "the hours are not like"),
                    (("expire", "1"), 1, "there is no silence 1"), (("expire", "x"), 2, "a silence's number"),
                    (("list", "--for", "1h"), 2, "go with add only"), (("mute",), 2, "unknown action mute")):
                self.assertIn(sentence, self.tool(*words, code=code).err)
            self.tool("add", "type=LARGE_TRADE", "--for", "1h", "--note", "x")
            self.tool("expire", "1")
            self.assertIn("silence 1 has been ended before", self.tool("expire", "1", code=1).err)
            daemon.stop()
        self.assertIn("only a daemon records", self.tool("expire", "1", code=3).err)


class Escalation(unittest.TestCase):
    """Who is told next if nobody takes an alert, or if it grows."""

    def setUp(self):
        self.scratch = self.enterContext(Scratch())
        self.data = self.scratch.path("data")
        self.ops, self.boss = self.enterContext(Webhook()), self.enterContext(Webhook())
        self.sets = {"webhook/ops": self.ops.url, "webhook/boss": self.boss.url, "exposure/remark": 0,
                     "route/all/receiver": "ops", "route/all/escalate_after": 2, "route/all/escalate_to": "boss"}

    def tool(self, *words, code=0, command="alerts"):
        done = run_tool(command, *words, "--data", self.data)
        self.assertEqual(done.code, code, done)
        return done

    def ledger(self):
        return [json.loads(line) for line in self.tool("list", "--json", command="deliveries").out.splitlines()]

    def test_what_nobody_takes_goes_on_and_what_somebody_took_does_not(self):
        daemon = Daemon(data=self.data, sets=self.sets)
        with daemon, Publisher(daemon, "desk-1") as publisher:
            publisher.publish(large(4))
            self.ops.wait_numbers(4)
            self.tool("ack", "2", "--by", "maria")
            self.tool("close", "4", "--as", "true_positive", "--by", "pete")
            self.assertEqual(self.boss.numbers(), [])
            daemon.kill()               # the waiting is kept
            daemon.restart()
            self.boss.wait("the two that nobody took", lambda got: len(self.boss.numbers()) >= 2)
            wait_until("what came of the others", lambda: len([r for r in self.ledger() if r["state"] == "not_needed"]) == 2)
            self.assertEqual(self.boss.numbers(), [1, 3])
            self.assertEqual({(row["id"], row["answer"]) for row in self.ledger() if row["state"] == "not_needed"},
                             {("boss/2", "acknowledged by maria"), ("boss/4", "closed by pete")})
            self.assertEqual((self.ops.faults, self.boss.faults), ([], []))
            self.assertEqual(daemon.stop()[0], 0)
        self.assertEqual(run_tool("store", "verify", "--data", self.data).code, 0)
        words = [word for key, value in self.sets.items() for word in ("--set", f"{key}={value}")]
        done = run_tool("replay", "--deliveries", "--json", "--data", self.data, *words)
        rows = [json.loads(line) for line in done.out.splitlines()]
        self.assertEqual([row["n"] for row in rows if "escalation" in row], [1, 3])
        self.assertEqual([(row["n"], row["escalation_not_needed"]) for row in rows if "escalation_not_needed" in row],
                         [(2, "acknowledged by maria"), (4, "closed by pete")])
        self.assertEqual((rows[-1]["deliveries"], rows[-1]["escalations_not_needed"]), ({"ops": 4, "boss": 2}, 2))

    def test_what_grows_goes_on_at_once(self):
        with Daemon(data=self.data, sets=self.sets | {"route/all/escalate_after": 3600}) as daemon, \
                Publisher(daemon, "desk-1") as publisher:
            publisher.publish([trade(qty=4000, price="150.00", id="a")])        # opens HIGH
            self.ops.wait("it", lambda got: len(got) == 1)
            self.tool("ack", "1")
            publisher.publish([trade(qty=3000, price="150.00", id="b")])        # CRITICAL
            self.boss.wait("the escalation", lambda got: [alert["event"] for alert in got] == ["escalate"])
            self.assertEqual(json.loads(self.tool("show", "1", "--json").out)["state"], "escalated")
            self.assertEqual(daemon.stop()[0], 0)

    def test_what_has_grown_before_its_time_is_not_told_as_it_was(self):
        with Daemon(data=self.data, sets=self.sets | {"rules/client_exposure/enabled": "off"}) as daemon, \
                Publisher(daemon, "desk-1") as publisher:
            publisher.publish([trade(qty=4000, price="150.00", id="a")])        # opens HIGH
            self.ops.wait("it", lambda got: len(got) == 1)
            publisher.publish([trade(qty=3000, price="150.00", id="b")])        # CRITICAL: to boss at once
            self.boss.wait("the escalation", lambda got: len(got) == 1)
            wait_until("its time", lambda: self.boss.requests > 1)              # nobody has taken it
            self.assertEqual((self.boss.faults, self.boss.numbers(), self.boss.repeats), ([], [2], 1))
            self.assertEqual(daemon.stop()[0], 0)

    def test_what_has_grown_under_a_silence_is_told_as_it_was(self):
        with Daemon(data=self.data, sets=self.sets | {"rules/client_exposure/enabled": "off"}) as daemon, \
                Publisher(daemon, "desk-1") as publisher:
            self.tool("add", "severity=CRITICAL", "--for", "1h", "--note", "known", command="silences")
            publisher.publish([trade(qty=4000, price="150.00", id="a"), trade(qty=3000, price="150.00", id="b")])
            self.boss.wait("what nobody has taken", lambda got: len(got) == 1)
            self.assertEqual((self.boss.faults, self.boss.numbers()), ([], [1]))
            self.assertEqual(daemon.stop()[0], 0)

    def test_a_route_says_whom_and_when(self):
        sets = [word for key, value in self.sets.items() for word in ("--set", f"{key}={value}")]
        alert = ("type=LARGE_TRADE", "severity=HIGH", "entity=desk-1/0/1")
        done = run_tool("route", "test", *alert, *sets)
        self.assertIn("takes it: ops; unless taken within 2 s, boss", done.out)
        said = json.loads(run_tool("route", "test", *alert, "--json", *sets).out)["routes"][0]
        self.assertEqual((said["escalate_after"], said["escalate_to"]), (2, ["boss"]))
        done = run_tool("config", "check", *sets[:-2])
        self.assertEqual(done.code, 2)
        self.assertIn("escalate_after and escalate_to belong together", done.err)


if __name__ == "__main__":
    unittest.main()
