# SPDX-License-Identifier: MIT
"""Short, nasty, generated tapes, which tell readings of the rules apart: live, replayed, and judged independently.

TW_TEST_SEED: first seed of the tapes (1).
"""

import os
import re
import unittest
from decimal import Decimal

from harness import Catchup, Daemon, Publisher, Scratch, Subscriber, run_tool, scaled
from harness.verdict import differences, exported, judge_rows, oracle_judge, tapegen
from test_oracle import said_digest

SEED = int(os.environ.get("TW_TEST_SEED", "1"))
ROWS = 600
SHARDS, BLOCKS = (1, 2, 5), (1, 7, 8190)


def write_tape(path, flavour, seed, rows=ROWS):
    with open(path, "w", encoding="utf-8", newline="") as file:
        tapegen.write(file, seed, rows, flavour)
    return path


def read_rows(path):
    """As the judge reads them."""
    return list(oracle_judge.tape.rows(path))


NUMBER = re.compile(r"[0-9]+(\.[0-9]{1,8})?", re.ASCII)


def malformed(row):
    """What a line must not say for `publish` to send it; such a line takes no number. The rest is for the daemon to judge."""
    for name in ("qty", "price"):
        text = row.get(name)
        if text is not None and (not NUMBER.fullmatch(text) or Decimal(text) * 10**8 >= 2**63):
            return True
    return (row.get("side", "B").lower() not in ("b", "s", "buy", "sell") or
            row.get("kind", "trade") not in ("trade", "bust", "correct"))


def settings_of(flavour):
    return dict(pair.split("=", 1) for pair in tapegen.SETTINGS.get(flavour, ()))


class Tapes(unittest.TestCase):
    def judged_live(self, daemon, count):
        with Subscriber(daemon) as subscriber, Catchup(daemon) as catchup:
            head = subscriber.wait_head(f"{count} trades judged", lambda head: head["durable"] == count, seconds=30)
            return head, [alert for alert, _ in catchup.everything()]

    def compare(self, flavour, seed, shards, block):
        settings = settings_of(flavour)
        with Scratch() as scratch, Daemon(sets=settings | {"pipeline/shards": shards, "pipeline/block": block}) as daemon:
            tape = write_tape(scratch.path(f"{flavour}-{seed}.csv"), flavour, seed)
            rows = read_rows(tape)
            sent = [row for row in rows if not malformed(row)]
            events, summary = judge_rows(sent, settings, "desk")
            done = run_tool("publish", tape, "--as", "desk", "--skip-bad", *daemon.options())
            self.assertEqual(done.code, 4 if summary["refused"] or len(sent) < len(rows) else 0, done)
            head, alerts = self.judged_live(daemon, summary["trades"])
            self.assertEqual(differences(alerts, events), [])
            self.assertEqual((head["last"], head["digest"]), (summary["count"], summary["digest"]))
            daemon.kill()
            daemon.restart()            # recovered: the log read again, busts looked up on disk
            again, alerts_again = self.judged_live(daemon, summary["trades"])
            self.assertEqual((again["digest"], again["record_digest"]), (head["digest"], head["record_digest"]))
            self.assertEqual(alerts_again, alerts)
            self.assertEqual(daemon.stop()[0], 0)
            replayed = run_tool("replay", "--data", daemon.data)
            self.assertEqual(said_digest(replayed), head["digest"], replayed)

    def test_every_flavour_live_recovered_and_replayed(self):
        for number, flavour in enumerate(sorted(tapegen.FLAVOURS)):
            shards, block = SHARDS[number % 3], BLOCKS[(number // 3) % 3]
            with self.subTest(flavour=flavour, seed=SEED, shards=shards, block=block):
                self.compare(flavour, SEED, shards, block)

    def test_mixtures_cut_in_every_way(self):
        seed = SEED + 100
        for shards in SHARDS[:scaled(3)]:
            for block in BLOCKS:
                seed += 1
                with self.subTest(seed=seed, shards=shards, block=block):
                    self.compare("mix", seed, shards, block)

    def test_many_tapes_replayed(self):
        """Without a daemon, so many more of them."""
        for flavour in sorted(tapegen.FLAVOURS):
            settings = settings_of(flavour)
            words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
            for seed in range(SEED + 1000, SEED + 1000 + scaled(10, 2)):
                with self.subTest(flavour=flavour, seed=seed), Scratch() as scratch:
                    tape = write_tape(scratch.path("tape.csv"), flavour, seed)
                    sent = [row for row in read_rows(tape) if not malformed(row)]
                    _, summary = judge_rows(sent, settings, "desk", 3)
                    done = run_tool("replay", tape, "--as", "desk", "--inc", 3, "--skip-bad", *words)
                    self.assertEqual(said_digest(done), summary["digest"], done)

    def test_tapes_of_several_publishers_in_rows(self):
        """Interleaved publishers, incarnations above 0: the global order decides, and ids name the opening trade."""
        for seed in range(SEED + 2000, SEED + 2000 + scaled(3)):
            with self.subTest(seed=seed), Scratch() as scratch, Daemon() as daemon:
                rows = [row for row in read_rows(write_tape(scratch.path("tape.csv"), "mix", seed))]
                names = ("one", "two", "three")
                publishers = {name: self.enterContext(Publisher(daemon, name, inc))
                              for inc, name in enumerate(names)}
                for publisher in publishers.values():
                    publisher.hello()
                sent, at = [], 0
                while at < len(rows):       # in turns: each turn is durable before the next begins
                    name = names[(at // 40) % 3]
                    turn = rows[at:at + 40]
                    publishers[name].publish([{key: value for key, value in row.items()} for row in turn])
                    sent += [dict(row, pub=name, inc=names.index(name)) for row in turn]
                    at += 40
                events, summary = judge_rows(sent)
                head, alerts = self.judged_live(daemon, summary["trades"])
                self.assertEqual(differences(alerts, events), [])
                self.assertEqual(head["digest"], summary["digest"])

    def test_the_export_judged_again_is_the_same(self):
        with Scratch() as scratch, Daemon() as daemon:
            tape = write_tape(scratch.path("tape.csv"), "corrects", SEED)
            _, summary = judge_rows(read_rows(tape), {}, "desk")
            run_tool("publish", tape, "--as", "desk", "--skip-bad", *daemon.options())
            self.judged_live(daemon, summary["trades"])
            self.assertEqual(daemon.stop()[0], 0)
            rows = exported(daemon.data)
            self.assertEqual(len(rows), summary["trades"])
            self.assertEqual([row["seq"] for row in rows], list(range(1, len(rows) + 1)))


if __name__ == "__main__":
    unittest.main()
