# SPDX-License-Identifier: MIT
"""Publishers behind a bad network, killed and started again, two under one name: every trade once, in order, as sent.

TW_FAULT_TRADES: how many trades of each of the two `tapewarden publish` (60,000); a tenth go through the Python example.
TW_TEST_KILLS: how often one of them is killed (4). TW_TEST_SEED: seed of the network (1).
"""

import csv
import os
import random
import subprocess
import sys
import time
import unittest

import place    # noqa: F401
from proxy import Proxy

from harness import Daemon, Publisher, run_tool, scaled, trade
from harness.daemon import environment, executable
from harness.waiting import PATIENCE, Deadline

TRADES = int(os.environ.get("TW_FAULT_TRADES", scaled(60_000, 10_000)))
KILLS = int(os.environ.get("TW_TEST_KILLS", "4"))       # each begins its file anew
SEED = int(os.environ.get("TW_TEST_SEED", "1"))
EXAMPLE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "examples", "publisher.py"))
KEYS = ("symbol", "side", "qty", "price", "ts", "account")


def make_tape(daemon, name, trades, seed):
    path = daemon.scratch.path(f"{name}.csv")
    with open(path, "wb") as file:
        subprocess.run([executable(), "simulate", "--print", "--trades", str(trades), "--seed", str(seed)], stdout=file,
                       env=environment(), check=True)
    return path


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield tuple(row.get(key) or "" for key in KEYS)


def export(daemon):
    run = subprocess.Popen([executable(), "store", "export", "--csv", "--data", daemon.data], stdout=subprocess.PIPE,
                           text=True, encoding="utf-8", env=environment())
    with run.stdout:
        for row in csv.DictReader(run.stdout):
            yield row["pub"], int(row["inc"]), int(row["pseq"]), tuple(row[key] for key in KEYS)
    assert run.wait() == 0


class Tapes:
    """What `tapewarden publish` or the example is to send, started again after every kill until it is done."""

    def __init__(self, name, path, command):
        self.name, self.path, self.command = name, path, command
        self.process, self.starts, self.output = None, 0, ""

    def start(self):
        self.starts += 1
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, env=environment())

    def ended(self):
        """The exit code, if it has ended by itself."""
        if self.process.poll() is None:
            return None
        self.output = self.process.stderr.read().decode("utf-8", "replace")
        self.process.stderr.close()
        return self.process.returncode

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


class Network(unittest.TestCase):
    def publish_command(self, name, path, trades, acks, *more):
        return [executable(), "publish", path, "--as", name, "--connect-trades", trades, "--connect-acks", acks,
                "--timeout", "60", "--patience", "120", *more]

    def check(self, daemon, tapes):
        """Each tape stands in the log from its first row to its last, once and in order."""
        expected = {tape.name: rows_of(tape.path) for tape in tapes}
        counts = dict.fromkeys(expected, 0)
        for pub, inc, pseq, row in export(daemon):
            counts[pub] += 1
            self.assertEqual((inc, pseq), (0, counts[pub]), pub)
            self.assertEqual(row, next(expected[pub]), f"{pub} {pseq}")
        for name, rest in expected.items():
            self.assertIsNone(next(rest, None), f"{name}: only {counts[name]} arrived")
        verify = run_tool("store", "verify", "--data", daemon.data, seconds=300)
        self.assertEqual(verify.code, 0, verify)
        return counts

    def drive(self, tapes, chance, kill_every):
        """Runs them to their ends; now and then one is killed and started again, with the same file."""
        deadline = Deadline(90 + TRADES / 5000, "the publishers' ends")
        running, kills, late, next_kill = set(tapes), 0, 0, time.monotonic() + kill_every
        for tape in tapes:
            tape.start()
        while running:
            time.sleep(min(0.05, deadline.left()))
            for tape in list(running):
                code = tape.ended()
                if code == 4 and "bad_names" in tape.output and late < kills:
                    # Of the one that was killed a message with names came behind the newcomer's first: a person is told.
                    self.assertIn("the same once more goes on", tape.output)
                    late += 1
                    tape.start()
                elif code is not None:
                    self.assertEqual(code, 0, f"{tape.name}: {tape.output[-2000:]}")
                    running.remove(tape)
            again = sorted((tape for tape in running if tape.name != "example"), key=lambda tape: tape.name)
            if again and kills < KILLS and time.monotonic() > next_kill:    # the example numbers on from `next` instead
                victim = chance.choice(again)
                victim.kill()
                victim.start()
                kills += 1
                next_kill = time.monotonic() + kill_every * (0.5 + chance.random())
        return kills

    def test_trades_arrive_once_and_in_order_through_a_bad_network(self):
        print(f"TW_TEST_SEED={SEED} TW_FAULT_TRADES={TRADES}")
        chance = random.Random(SEED)
        fault_bytes = max(200_000, TRADES * 40 // 60)       # some dozens of faults, however long it is
        with Daemon(sets={"pipeline/shards": 2}) as daemon, \
                Proxy(daemon.doors["trades"], SEED, fault_bytes, replays=0.5) as trades, \
                Proxy(daemon.doors["acks"], SEED + 1, 20_000) as acks:
            tapes = []
            for number, (name, form) in enumerate((("rows", "rows"), ("columns", "columns"))):
                path = make_tape(daemon, name, TRADES, SEED % 1000 + number)
                tapes.append(Tapes(name, path, self.publish_command(name, path, trades.where, acks.where, "--form", form)))
            path = make_tape(daemon, "example", max(1000, TRADES // 10), SEED % 1000 + 2)
            tapes.append(Tapes("example", path, [sys.executable, EXAMPLE, "--as", "example", "--trades", trades.where,
                                                 "--acks", acks.where, path]))
            began = time.monotonic()
            kills = self.drive(tapes, chance, 2 + TRADES / 200_000)
            took = time.monotonic() - began
            self.assertEqual(daemon.stop()[0], 0)
            counts = self.check(daemon, tapes)
            self.assertGreater(trades.counts.get("cut", 0) + trades.counts.get("replay", 0), 0, trades.counts)
            print(f"{sum(counts.values())} trades once and in order in {took:.0f} s; publishers killed {kills} times; "
                  f"trades {trades.counts}; acks {acks.counts}")


class OneName(unittest.TestCase):
    """Several processes under one name: CONTRACT allows one at a time; what happens all the same is defined."""

    def race(self, daemon, tapes):
        for tape in tapes:
            tape.start()
        deadline = Deadline(60, "the ends of all of them")
        codes = {}
        while len(codes) < len(tapes):
            time.sleep(min(0.02, deadline.left()))
            for tape in tapes:
                if tape not in codes and (code := tape.ended()) is not None:
                    codes[tape] = code
        return [codes[tape] for tape in tapes]

    def tape(self, daemon, pub, file, *more):
        command = [executable(), "publish", file, "--as", pub, "--connect-trades", daemon.doors["trades"],
                   "--connect-acks", daemon.doors["acks"], "--batch", "200", *more]
        return Tapes(pub, file, command)

    def test_the_same_tape_from_two_processes_is_taken_once(self):
        with Daemon() as daemon:
            path = make_tape(daemon, "tape", 20_000, 5)
            # Rows: two who number names of the columnar form side by side are both told bad_names.
            codes = self.race(daemon, [self.tape(daemon, "twin", path, "--form", "rows") for _ in range(2)])
            self.assertEqual(codes, [0, 0])
            self.assertEqual(daemon.stop()[0], 0)
            self.assertEqual([(pseq, row) for _, _, pseq, row in export(daemon)], list(enumerate(rows_of(path), 1)))

    def test_two_tapes_under_one_name_are_told_apart(self):
        """Each number is one tape's or the other's, taken once; who finds another's trade under its number is held."""
        with Daemon() as daemon:
            files = [make_tape(daemon, f"tape{i}", 20_000, 5 + i) for i in range(2)]
            tapes = [self.tape(daemon, "shared", file, "--form", "rows") for file in files]
            codes = self.race(daemon, tapes)
            self.assertEqual(daemon.stop()[0], 0)
            self.assertIn(4, codes, [tape.output for tape in tapes])
            self.assertTrue(any("sequence_reused" in tape.output for tape in tapes), [tape.output for tape in tapes])
            rows = [list(rows_of(file)) for file in files]
            log = list(export(daemon))
            self.assertEqual([pseq for _, _, pseq, _ in log], list(range(1, len(log) + 1)))
            for _, _, pseq, row in log:
                self.assertIn(row, (rows[0][pseq - 1], rows[1][pseq - 1]), pseq)
            for tape, code, own in zip(tapes, codes, rows):      # success means that all of mine are there
                if code == 0:
                    self.assertEqual([row for _, _, _, row in log], own)

    def test_incarnations_that_race_fence_each_other_in_order(self):
        """Whoever is higher ends the lower ones: of each a beginning is there, and nothing of it behind a higher one."""
        with Daemon() as daemon:
            files = [make_tape(daemon, f"tape{i}", 20_000, 5 + i) for i in range(4)]
            tapes = [self.tape(daemon, "heir", file, "--inc", str(inc)) for inc, file in enumerate(files)]
            codes = self.race(daemon, tapes)
            self.assertEqual(codes[3], 0, tapes[3].output)
            self.assertEqual(daemon.stop()[0], 0)
            log = list(export(daemon))
            self.assertEqual([inc for _, inc, _, _ in log], sorted(inc for _, inc, _, _ in log))
            for inc, file in enumerate(files):
                mine = [(pseq, row) for _, its, pseq, row in log if its == inc]
                self.assertEqual(mine, list(enumerate(rows_of(file), 1))[:len(mine)], inc)
                if codes[inc] == 0:
                    self.assertEqual(len(mine), 20_000, inc)

    def test_numbers_that_were_used_are_used_after_a_kill_as_well(self):
        with Daemon() as daemon, Publisher(daemon, "desk-7") as desk:
            desk.publish([trade(qty=1), trade(qty=2), trade(price=0)])
            daemon.kill()
            daemon.restart()
            desk.hello()
            desk.send([trade(qty=1), trade(qty=2), trade(price=0)], 1)      # the same: nothing happens
            self.assertEqual(desk.wait_ack("equal", lambda ack: ack["next"] == 4)["hold"], None)
            self.assertEqual(desk.insist([trade(qty=3)], 2, "sequence_reused")["hold"]["seq"], 2)
            desk.hello()
            self.assertEqual(desk.insist([trade(price=1)], 3, "sequence_reused")["hold"]["seq"], 3)
            self.assertEqual(daemon.stop()[0], 0)
            self.assertEqual([(pseq, row[2]) for _, _, pseq, row in export(daemon)], [(1, "1"), (2, "2")])


if __name__ == "__main__":
    unittest.main()
