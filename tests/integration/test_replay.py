# SPDX-License-Identifier: MIT
"""What a replay of a directory or a file takes into account, and what it refuses rather than passes over."""

import json
import unittest

from harness import Daemon, Publisher, Scratch, run_tool, trade

VELOCITY = "TAPEWARDEN_RULES__VELOCITY__THRESHOLD"


class Directory(unittest.TestCase):
    def setUp(self):
        self.data = self.enterContext(Scratch()).path("data")
        with Daemon(data=self.data, sets={"rules/velocity/threshold": 2, "rules/anomaly/enabled": "off"}) as daemon:
            with Publisher(daemon, "desk-1") as publisher:
                publisher.publish([trade(symbol="X", qty=10, account="A") for _ in range(3)])
            self.assertEqual(daemon.stop()[0], 0)

    def replay(self, *words, code=0, **environment):
        done = run_tool("replay", "--data", self.data, *words, extra=environment)
        self.assertEqual(done.code, code, done)
        return done

    def alerts(self, *words, **environment):
        return json.loads(self.replay("--summary", "--json", *words, **environment).out)["alerts"]

    def test_rules_of_the_environment_are_refused_and_not_ignored(self):
        self.assertEqual(self.alerts(), 1)
        for variable in (VELOCITY, VELOCITY + "@A", "TRANSACTION_VELOCITY_THRESHOLD"):
            with self.subTest(variable=variable):
                refused = self.replay(code=2, **{variable: "20"})
                self.assertIn(f"{variable} is set; give it by --set", refused.err)
                self.assertEqual(refused.out, "")
        self.replay("--deliveries", code=2, **{VELOCITY: "20"})
        # Where flags give the settings the environment has its part in them; what is verified is what is recorded.
        self.assertEqual(self.alerts("--set", "rules/large_trade/threshold=5", **{VELOCITY: "20"}), 3)
        self.assertEqual(self.alerts("--set", "rules/velocity/threshold=20", **{VELOCITY: "2"}), 0)
        self.replay("--verify", **{VELOCITY: "20"})
        self.assertEqual(self.alerts("--deliveries", SLACK_WEBHOOK_URL="https://hooks.slack.com/services/x"), 1)

    def test_options_of_a_file_are_refused(self):
        for words in (("--as", "desk-1"), ("--inc", "0"), ("--block", "8190"), ("--skip-bad",)):
            with self.subTest(words=words):
                self.assertIn(f"{words[0]} goes with a FILE", self.replay(*words, code=2).err)

    def test_lines_and_objects_are_not_mixed(self):
        self.assertIn("--events prints lines and --json objects", self.replay("--events", "--json", code=2).err)


class File(unittest.TestCase):
    def test_rows_without_ts_give_one_answer_and_are_counted(self):
        tape = self.enterContext(Scratch()).write("tape.csv", "symbol,side,qty,price,account\n" + "X,B,20000,150,A\n" * 3)
        runs = [run_tool("replay", tape) for _ in range(2)]
        self.assertEqual({run.code for run in runs}, {0}, runs)
        self.assertEqual(runs[0].err, runs[1].err)      # the digests
        self.assertIn("3 rows have no ts: each has that of the row before it, or 1990-01-01T00:00:00Z", runs[0].err)
        self.assertEqual(run_tool("replay", tape, "--events", "--json").code, 2)


if __name__ == "__main__":
    unittest.main()
