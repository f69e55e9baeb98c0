# SPDX-License-Identifier: MIT
"""Real days through the running daemon over tcp, event for event and by digest against the independent judge.

The data is not part of the project: ../shared/data beside it. Without it these tests say so and skip.
"""

import gzip
import os
import re
import unittest

from harness import Catchup, Daemon, Scratch, Subscriber, run_tool
from harness.verdict import SHARED_DATA, Judging, differences
from harness.waiting import SCALE

DIGEST = re.compile(r'(?<!record_)digest\W+([0-9a-f]{64})\b')


def said_digest(done):
    """The digest that a command ends with."""
    found = DIGEST.findall(done.out + done.err)
    assert found, done
    return found[-1]


def head_of(tape, target, rows):
    """The first rows of a tape, when the scale does not ask for all of them."""
    with gzip.open(tape, "rb") as source, open(target, "wb") as out:
        for number, line in enumerate(source):
            if number > rows:
                break
            out.write(line)
    return target


@unittest.skipUnless(os.path.isdir(SHARED_DATA), "../shared/data is not there")
class RealDays(unittest.TestCase):
    def go_through(self, name, rows, sets=None, settings=None):
        """CSV -> publish -> daemon -> alerts == judge; then replayed from the directory and from the CSV."""
        with Scratch() as scratch:
            tape = os.path.join(SHARED_DATA, name)
            if SCALE < 1:
                rows = int(rows * SCALE)
                tape = head_of(tape, scratch.path("tape.csv"), rows)
            judging = Judging(tape, "desk", settings)
            with Daemon(sets=(sets or {}) | (settings or {})) as daemon:
                done = run_tool("publish", tape, "--as", "desk", *daemon.options(), seconds=300)
                self.assertEqual(done.code, 0, done)
                with Subscriber(daemon) as subscriber, Catchup(daemon) as catchup:
                    head = subscriber.wait_head("all judged", lambda head: head["durable"] == rows, seconds=120)
                    alerts = [alert for alert, _ in catchup.everything()]
                self.assertEqual(daemon.stop()[0], 0)
                replayed = run_tool("replay", "--data", daemon.data, seconds=300)
                self.assertEqual((replayed.code, said_digest(replayed)), (0, head["digest"]), replayed)
            own = [word for key, value in (settings or {}).items() for word in ("--set", f"{key}={value}")]
            from_csv = run_tool("replay", tape, "--as", "desk", "--inc", 0, *own, seconds=300)
            self.assertEqual((from_csv.code, said_digest(from_csv)), (0, head["digest"]), from_csv)
            events, summary = judging.result()
            self.assertEqual(summary["trades"], rows)
            self.assertEqual(differences(alerts, events), [])
            self.assertEqual((head["last"], head["digest"]), (summary["count"], summary["digest"]))
            print(f"{name}: {rows} trades, {head['last']} events, digest {head['digest']}")
            return summary

    def test_desk_20131008(self):
        summary = self.go_through("desk_20131008.csv.gz", 654140, {"pipeline/shards": 2})
        if SCALE >= 1:      # what the data's own page says
            self.assertEqual(summary["count"], 13050)

    def test_fills_wallets(self):
        summary = self.go_through("fills_wallets.csv.gz", 15629, {"pipeline/shards": 5, "pipeline/block": 7})
        if SCALE >= 1:
            self.assertEqual(summary["count"], 1233)

    def test_crypto_20240808(self):
        self.go_through("crypto_20240808.csv.gz", 78638, {"pipeline/shards": 1})

    def test_tape_20131007(self):
        self.go_through("tape_20131007.csv.gz", 388417, {"pipeline/shards": 1}, {"rules/anomaly/window": 50})

    def test_shards_and_blocks_cannot_change_a_result(self):
        """The same day's fills, cut in every way."""
        tape = os.path.join(SHARED_DATA, "fills_wallets.csv.gz")
        digests = {}
        for shards in (1, 2, 5):
            for block in (1, 7, 8190):
                with Scratch() as scratch, Daemon(sets={"pipeline/shards": shards, "pipeline/block": block}) as daemon:
                    rows = int(15629 * min(SCALE, 1))
                    cut = head_of(tape, scratch.path("tape.csv"), rows)
                    done = run_tool("publish", cut, "--as", "desk", *daemon.options(), seconds=120)
                    self.assertEqual(done.code, 0, done)
                    with Subscriber(daemon) as subscriber:
                        head = subscriber.wait_head("all judged", lambda head: head["durable"] == rows, seconds=120)
                    digests[shards, block] = head["digest"]
        self.assertEqual(len(set(digests.values())), 1, digests)


if __name__ == "__main__":
    unittest.main()
