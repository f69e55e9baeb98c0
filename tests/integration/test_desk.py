# SPDX-License-Identifier: MIT
"""Where people look: what was sent of an alert stands beside it, deliveries are counted, actions leave as text, and exit
codes say what a sentence says."""

import csv
import hashlib
import io
import json
import struct
import unittest

from harness import Daemon, Publisher, Scratch, run_tool, trade, wait_until
from harness.sinks import Webhook


def large(count, name="desk"):
    return [trade(qty=20000, id=f"{name}-{at}") for at in range(count)]


def alert_id(publisher):
    """Of a LARGE_TRADE by that publisher's first trade, as the rules say."""
    entity = f"{publisher}/0/1"
    named = b"".join(word.encode() + b"\0" for word in ("LARGE_TRADE", "TRADE", entity, publisher))
    return hashlib.sha256(named + struct.pack(">QQ", 0, 1)).digest()[:16].hex()


def twins():
    """Two publishers whose alerts' ids begin with the same 8 digits, and those digits."""
    seen = {}
    for number in range(10**6):
        name = f"p{number}"
        digits = alert_id(name)[:8]
        if digits in seen:
            return seen[digits], name, digits
        seen[digits] = name
    raise AssertionError("no two of a million")


class Desk(unittest.TestCase):
    def setUp(self):
        self.scratch = self.enterContext(Scratch())
        self.data = self.scratch.path("data")

    def tool(self, *words, code=0):
        done = run_tool(*words, "--data", self.data)
        self.assertEqual(done.code, code, done)
        return done

    def rows(self, *words):
        return [json.loads(line) for line in self.tool(*words, "--json").out.splitlines()]

    def publish(self, daemon, trades, name="desk-1"):
        with Publisher(daemon, name) as publisher:
            publisher.publish(trades)

    def settled(self, expected, n):
        """Whether receivers have these states of alert event n, no others."""
        rows = [row for row in self.rows("deliveries", "list") if row["n"] == n]
        return {name: {row["state"] for row in rows if row["receiver"] == name} for name in expected} == expected

    def test_what_was_sent_of_an_alert_stands_beside_it(self):
        with Webhook() as ops, Webhook(mode="refusing") as audit, Webhook(mode="down") as boss:
            sets = {"webhook/ops": ops.url, "webhook/audit": audit.url, "webhook/boss": boss.url, "exposure/remark": 0,
                    "delivery/retry_first": 3600, "delivery/retry_max": 3600}
            with Daemon(data=self.data, sets=sets) as daemon:
                self.publish(daemon, [trade(qty=4000, price="150.00"), trade(qty=3000, price="150.00"), *large(2, "x")])
                ops.wait("all of them", lambda got: len(ops.numbers()) >= 5)
                expected = {"ops": {"delivered"}, "audit": {"rejected", "dead"}, "boss": {"again", "pending"}}
                # A sink hears of a delivery before the ledger does.
                wait_until("what came of the first", lambda: self.settled(expected, 1))
                rest = {name: expected[name] for name in ("ops", "audit")}      # how often boss is tried, its breaker says
                wait_until("what came of the rest", lambda: all(self.settled(rest, n) for n in range(2, 6)))
                shown = self.rows("alerts", "show", "1")[0]
                numbers = {event["n"] for event in shown["events"]}
                self.assertGreaterEqual(len(numbers), 2, shown)     # X opens, and escalates
                deliveries = shown["deliveries"]
                self.assertEqual({row["n"] for row in deliveries}, numbers)
                for receiver, states in expected.items():
                    self.assertEqual({row["state"] for row in deliveries if row["receiver"] == receiver}, states)
                listed = [row for row in self.rows("deliveries", "list") if row["n"] in numbers]
                self.assertEqual(deliveries, listed)
                text = self.tool("alerts", "show", "1").out
                self.assertNotIn("1970", text)
                self.assertRegex(text, r"n 1 +2\S+Z +to ops: delivered, attempt 1, status 204 after \d+ ms\n")
                self.assertRegex(text, r"n 1 +2\S+Z +to audit: dead: no, thank you not today\n")
                running = self.rows("deliveries", "totals")
                self.assertEqual(daemon.stop()[0], 0)
            self.assertEqual(self.rows("alerts", "show", "1")[0], shown)        # of the directory at rest
            totals = {row["receiver"]: row for row in self.rows("deliveries", "totals")}
            self.assertEqual({row["receiver"]: row for row in running}, totals)
            count = len(self.rows("alerts", "list"))
            listed = self.rows("deliveries", "list")
            self.assertGreaterEqual(count, 3)
            for name, row in totals.items():
                for state in ("delivered", "again", "rejected", "given_up", "not_needed", "pending", "dead"):
                    self.assertEqual(row[state], len([one for one in listed if (one["receiver"], one["state"]) == (name, state)]))
            table = [line.split() for line in self.tool("deliveries", "totals", "--receiver", "ops").out.splitlines()]
            self.assertEqual(table, [["receiver", "delivered", "again", "rejected", "given_up", "not_needed", "pending", "dead"],
                                     ["ops", *(str(totals["ops"][state]) for state in table[0][1:])]])

    def test_what_a_silence_cannot_be_is_said_with_what_and_where(self):
        good = {"match": "type=LARGE_TRADE", "--for": "1h", "--note": "drill", "--by": "eve"}
        table = (({"match": "entity=" + "a" * 506}, 4, "a silence takes matchers of 1 to 512 bytes"),
                 ({"match": "entity=" + "a" * 5000}, 4, "that is too long: names take 64 bytes, a note 1000, matchers 512, hours 128"),
                 ({"match": ""}, 4, "a silence takes matchers of 1 to 512 bytes"),
                 ({"match": "  "}, 4, "'  ' is no matcher; one is label=value"),     # not: everything
                 ({"match": "entity=a\nb"}, 4, "matchers and hours stand in one line each"),
                 ({"match": " ".join(f"entity!=A{at}" for at in range(17))}, 4, "'entity!=A16' is one matcher too many; 16 are"),
                 ({"match": "typ=LARGE_TRADE"}, 4, "typ=LARGE_TRADE: 'typ=LARGE_TRADE' has no known label; there are type,"),
                 ({"match": "entity=~("}, 4, "entity=~(: 'entity=~(' Unmatched ("),
                 ({"--hours": "Mon," * 32 + "Mon"}, 4, "the hours of a silence take at most 128 bytes"),
                 ({"--hours": "Mno 22:00-23:00"}, 4, "Mno 22:00-23:00: the hours are not like Mon-Fri 22:00-06:00, Sat-Sun"),
                 ({"--hours": "Mon 25:00-26:00"}, 4, "Mon 25:00-26:00: the hours are not like"),
                 ({"--hours": "Mon\nTue"}, 4, "matchers and hours stand in one line each"),
                 ({"--hours": ""}, 2, "--hours takes hours such as"),     # not: at all hours
                 ({"--for": "36501d"}, 2, "add wants --for a time such as 30m, 2h or 1d12h, at most 36500d"),
                 ({"--for": "0h"}, 2, "add wants --for a time"),
                 ({"--in": "soon"}, 2, "--in takes a time such as 30m, 2h or 1d12h, at most 36500d"),
                 ({"--note": ""}, 4, "a silence wants a reason"),
                 ({"--note": "caf\udce9"}, 2, "--note is not UTF-8"),    # a byte that begins no character
                 ({"--hours": "Mon\udcff"}, 2, "--hours is not UTF-8"),  # not: at all hours
                 ({"--by": "\udce9ve"}, 2, "--by is not UTF-8"),
                 ({"match": "entity=\udcff"}, 2, "matcher is not UTF-8"),
                 ({"--note": "n" * 1001}, 4, "a note takes at most 1000 bytes"),
                 ({"--by": "b" * 65}, 4, "who it is by takes 1 to 64 bytes"))
        with Daemon(data=self.data) as daemon:
            for bad, code, said in table:
                with self.subTest(bad=bad):
                    words = good | bad
                    flags = [word for key, value in words.items() if key != "match" for word in (key, value)]
                    self.assertIn(said, self.tool("silences", "add", words["match"], *flags, code=code).err)
            self.assertEqual(self.rows("silences", "list"), [])
            self.rows("silences", "add", "entity=" + "a" * 505, "--hours", "Mon," * 31 + "Tue", "--for", "36500d", "--note",
                      "n" * 1000, "--by", "b" * 64)       # all of it as long as it may be
            self.assertEqual(daemon.stop()[0], 0)

    def test_digits_that_two_alerts_share_name_neither(self):
        first, second, digits = twins()
        with Daemon(data=self.data) as daemon:
            for name in (first, second):
                self.publish(daemon, large(1, name), name)
            wait_until("the alerts", lambda: len(self.rows("alerts", "list")) == 2)
            said = self.tool("alerts", "show", digits, code=1).err
            self.assertIn(f"more than one alert has an id that begins with {digits}: give more digits", said)
            self.tool("alerts", "ack", digits, code=1)
            for name in (first, second):
                ident = alert_id(name)
                self.assertEqual(self.rows("alerts", "show", ident)[0]["entity"], f"{name}/0/1")
                more = next(length for length in range(9, 33) if alert_id(first)[:length] != alert_id(second)[:length])
                self.assertEqual(self.rows("alerts", "show", ident[:more])[0]["id"], ident)
            self.assertEqual(daemon.stop()[0], 0)

    def test_actions_leave_as_text(self):
        with Daemon(data=self.data) as daemon:
            self.publish(daemon, large(2))
            wait_until("the alerts", lambda: len(self.rows("alerts", "list")) == 2)
            said = [*self.rows("alerts", "ack", "1", "--by", "maria", "--note", 'says "no",\nand goes'),
                    *self.rows("alerts", "close", "1", "--as", "false_positive", "--by", "pete"),
                    *self.rows("silences", "add", "type=LARGE_TRADE", "--for", "1h", "--note", "drill", "--by", "eve"),
                    *self.rows("silences", "expire", "3", "--by", "eve")]
            self.tool("store", "export", "--actions", code=3)       # a daemon has it
            self.assertEqual(daemon.stop()[0], 0)
        self.assertEqual(self.rows("store", "export", "--actions"), said)
        table = list(csv.DictReader(io.StringIO(self.tool("store", "export", "--actions").out)))
        self.assertEqual([{key: value for key, value in row.items() if value} for row in table],
                         [{key: str(value) for key, value in action.items()} for action in said])
        self.assertIn("about trades, not actions", self.tool("store", "export", "--actions", "--symbol", "X", code=2).err)

    def test_exit_codes_say_what_the_sentence_says(self):
        with Webhook(mode="refusing") as ops, Daemon(data=self.data, sets={"webhook/ops": ops.url}) as daemon:
            self.publish(daemon, large(3))
            daemon.await_line("alert 3 is a dead letter of ops")
            for code, *words in ((0, "alerts", "ack", "1"), (1, "alerts", "ack", "99"), (1, "alerts", "ack", "0" * 32),
                                 (2, "alerts", "ack"), (2, "alerts", "ack", "1", "--as", "true_positive"),
                                 (4, "alerts", "ack", "xyz"), (4, "alerts", "ack", "1", "--by", "b" * 65),
                                 (4, "alerts", "ack", "1", "--note", "n" * 5000),
                                 (0, "alerts", "assign", "1", "--to", "pete"), (4, "alerts", "assign", "1", "--to", "a\tb"),
                                 (0, "alerts", "note", "1", "--note", "x"), (4, "alerts", "note", "1", "--note", ""),
                                 (4, "alerts", "close", "1", "--as", "right"),
                                 (0, "alerts", "close", "1", "--as", "true_positive"),
                                 (1, "alerts", "close", "1", "--as", "true_positive"), (1, "alerts", "assign", "1", "--to", "eve"),
                                 (0, "alerts", "note", "1", "--note", "after it was closed"),
                                 (0, "alerts", "show", "1"), (1, "alerts", "show", "4"), (4, "alerts", "show", "1x"),
                                 (0, "deliveries", "retry", "ops/1"), (1, "deliveries", "retry", "ops/4"),
                                 (1, "deliveries", "retry", "nobody/1"), (1, "deliveries", "retry", "--receiver", "nobody"),
                                 (2, "deliveries", "retry"), (2, "deliveries", "retry", "ops"),
                                 (2, "deliveries", "retry", "ops/x")):
                with self.subTest(words=words):
                    done = self.tool(*words, code=code)
                    self.assertEqual(bool(done.err), code != 0, done)
            ops.mode = "ok"     # number 1 may be a dead letter again by now; the others are
            self.tool("deliveries", "retry", "ops/3")
            ops.wait("number 3", lambda got: 3 in ops.numbers())
            self.assertEqual(daemon.stop()[0], 0)
        for verb in (("ack", "1"), ("assign", "1", "--to", "x"), ("close", "1", "--as", "true_positive"), ("note", "1", "--note", "x")):
            self.tool("alerts", *verb, code=3)              # nobody is there to record it
        self.tool("alerts", "show", "1")
        self.tool("deliveries", "retry", "ops/2")           # of the directory at rest
        self.tool("deliveries", "retry", "ops/2", code=1)
        self.data = self.scratch.path("nowhere")
        for words in (("alerts", "show", "1"), ("alerts", "ack", "1"), ("deliveries", "retry", "ops/2"), ("deliveries", "totals")):
            self.tool(*words, code=3)


if __name__ == "__main__":
    unittest.main()
