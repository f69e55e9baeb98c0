#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One bit flipped in any file of the data directory: it is named, or it changes no answer. Never a shorter log in silence.

TW_FAULT_TRIALS: flips (20, times TW_TEST_SCALE). TW_FAULT_SEED: of their places (1; printed).
"""

import os
import random
import re
import unittest

import place  # noqa: F401  -- finds the harness
from crowd import SNAPSHOT_KEY, copy_of, log_rows, mixed, often
from harness import Catchup, Daemon, Publisher, Scratch, Subscriber, run_tool, scaled, wait_until

TRIALS = int(os.environ.get("TW_FAULT_TRIALS", scaled(20, 6)))
SEED = int(os.environ.get("TW_FAULT_SEED", 1))
TRADES_A_LIFE = 700


# --- directories to be damaged

def live(data, first, end, sets=None):
    """One life of a daemon: trades `first` to first + TRADES_A_LIFE - 1 of `desk`, then the end."""
    with Daemon(data=data, sets=sets) as daemon:
        with Publisher(daemon, "desk") as publisher, Subscriber(daemon) as subscriber:
            publisher.hello()
            # Messages of different sizes, durable one after the other: many blocks, some of one trade.
            for at in range(first, first + TRADES_A_LIFE, 35):
                publisher.publish([mixed("desk", number) for number in range(at, at + 34)])
                publisher.publish([mixed("desk", at + 34)])
            if sets and SNAPSHOT_KEY in sets:
                wait_until("a snapshot", lambda: snapshots_of(data), seconds=30)
            durable = subscriber.wait_head("something durable", lambda head: head["durable"] > 0)["durable"]
            subscriber.wait_head("all judged", lambda head: head["durable"] >= durable)
        end(daemon)


def snapshots_of(data):
    """The whole ones."""
    folder = os.path.join(data, "snapshots")
    return [name for name in os.listdir(folder) if name.isdigit()] if os.path.isdir(folder) else []


def stop(daemon):
    assert daemon.stop()[0] == 0, daemon.said()


def make_states(scratch):
    """{name: directory}: what stands where at different times of a directory's life."""
    states = {}

    def keep(name, data):
        states[name] = copy_of(data, scratch.path(name))

    data = scratch.path("work")
    live(data, 1, Daemon.kill)
    keep("killed, all in the write-ahead log", data)
    live(data, 1 + TRADES_A_LIFE, stop)
    keep("stopped, half in tables", data)
    for lives in range(2, 6):
        live(data, 1 + lives * TRADES_A_LIFE, stop)
    keep("stopped, compacted", data)
    if often():
        snapshots = scratch.path("with-snapshots")
        for lives in range(3):
            live(snapshots, 1 + lives * TRADES_A_LIFE, stop, sets=often())
        keep("stopped, with snapshots", snapshots)
    return states


# --- what a directory answers

class Answers:
    """What one asks: the log as exported, alerts, refusals, the digest, where the publisher stands, a resend."""

    def __init__(self, data, directory_is_good):
        self.named = []         # who named the damage, and how
        self.shortened = set()  # what ended with an error
        self.wrong_hold = None  # of a resend that was equal
        self.rows = self.alerts = self.refusals = self.head = self.next = None
        verify = run_tool("store", "verify", "--data", data, seconds=60)
        self.take("verify", verify)
        self.export("export", data)
        self.ask(data, directory_is_good)
        self.export("export after the daemon", data)

    def take(self, who, done):
        if done.code != 0:
            words = done.err.strip().splitlines()
            assert words, f"{who} ended with {done.code} and said nothing"
            self.named.append((who, words[-1]))
        return done.code == 0

    def export(self, who, data):
        if self.take(who, run_tool("store", "export", "--json", "--data", data, seconds=60)):
            self.rows = log_rows(data)

    def ask(self, data, directory_is_good):
        daemon = Daemon(data=data, sets=often())
        try:
            daemon.spawn()
            wait_until("`ready` or the end", lambda: daemon.ready_line or not daemon.alive(), seconds=60)
            if daemon.ready_line:
                self.ask_running(daemon)
        except (TimeoutError, AssertionError) as why:
            # No answer is no wrong answer, if the daemon says why.
            if directory_is_good:
                raise
            self.late = why
            assert not daemon.alive() or re.search(r" (error|warning) ", daemon.said()), f"{why}: and it says nothing"
        finally:
            if daemon.alive():
                code, _ = daemon.stop()
            else:
                code = daemon.wait_end()
            for line in daemon.said().splitlines():
                if re.search(r" (error|warning) ", line) and "not all was finished" not in line:
                    self.named.append(("the daemon", line))
            assert code == 0 or code == 3 and any(who == "the daemon" for who, _ in self.named), (code, daemon.said())
            daemon.scratch.__exit__()

    def ask_running(self, daemon):
        with Catchup(daemon) as catchup, Subscriber(daemon) as subscriber, Publisher(daemon, "desk") as publisher:
            said = publisher.hello()
            self.next = said["next"]
            self.head = subscriber.wait_head("a head", lambda head: True)
            self.alerts = self.pages(catchup, "alerts")
            self.refusals = self.pages(catchup, "refusals")
            for first in range(1, said["next"], TRADES_A_LIFE):     # an equal resend changes nothing
                publisher.send([mixed("desk", number) for number in range(first, first + TRADES_A_LIFE)], first)
            hold = publisher.hello(5)["hold"]
            if hold is not None:
                self.named.append(("a resend", hold))
                self.wrong_hold = hold

    def pages(self, catchup, get):
        """All answers as far as they are given; an end that says `error` names the damage."""
        answers, more = [], True
        while more:
            page, end = catchup.ask(get, len(answers), 500)
            answers += [{**answer, "detected_at": 0} for answer, _ in page]
            more = end["more"]
            if "error" in end:
                self.named.append(("catch-up", end["error"]))
                self.shortened.add(get)
        return answers

    def wrong(self, truth):
        """What is otherwise than it must be."""
        found = [] if self.wrong_hold is None else [f"an equal resend is held: {self.wrong_hold}"]
        if self.rows is not None and self.rows != truth.rows:
            found.append(f"the export has {len(self.rows)} trades, of {len(truth.rows)}, or others")
        for what in ("alerts", "refusals", "next"):
            mine, right = getattr(self, what), getattr(truth, what)
            if what in self.shortened:
                right = right[:len(mine)]
            if mine is not None and mine != right:
                found.append(f"{what} differ")
        if self.head is not None and any(self.head[key] != truth.head[key] for key in ("last", "digest", "durable")):
            found.append(f"the head is {self.head}, not {truth.head}")
        return found


# --- damage

def files_of(directory):
    return sorted(os.path.relpath(os.path.join(at, name), directory)
                  for at, _, names in os.walk(directory) for name in names
                  if os.path.getsize(os.path.join(at, name)) > 0)


def kind_of(path):
    """MANIFEST-000005 -> MANIFEST, 000012.sst -> sst."""
    if path.startswith("snapshots"):
        return "snapshot"
    name = os.path.basename(path)
    return name.split(".")[-1] if "." in name else name.split("-")[0]


def flip(chance, directory):
    """(file, bit). Half of the time any file, half of the time any byte."""
    paths = files_of(directory)
    sizes = [os.path.getsize(os.path.join(directory, path)) for path in paths]
    path = chance.choice(paths) if chance.random() < 0.5 else chance.choices(paths, sizes)[0]
    bit = chance.randrange(8 * os.path.getsize(os.path.join(directory, path)))
    with open(os.path.join(directory, path), "r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))
    return path, bit


class Flips(unittest.TestCase):
    def one_flip(self, chance, scratch, name, state, truth):
        """(kind of file, how it was found)"""
        copy = copy_of(state, scratch.path("copy"))
        path, bit = flip(chance, copy)
        with self.subTest(state=name, file=path, bit=bit):
            answers = Answers(copy, False)
            wrong = answers.wrong(truth)
            self.assertEqual(wrong, [], f"{path} bit {bit}: named {answers.named}")
            if not answers.named:
                missing = [what for what in ("rows", "alerts", "refusals", "head") if getattr(answers, what) is None]
                self.assertEqual(missing, [], "neither answered nor named")
            how = answers.named[0][0] if answers.named else "changes no answer"
            return kind_of(path), how
        return kind_of(path), "FAILED"

    def test_flips(self):
        print(f"TW_FAULT_SEED={SEED} TW_FAULT_TRIALS={TRIALS}")
        chance = random.Random(SEED)
        found = {}
        with Scratch() as scratch:
            states = make_states(scratch)
            truths = {}
            for name, state in states.items():
                truths[name] = Answers(copy_of(state, scratch.path("good")), True)
                self.assertEqual(truths[name].named, [], name)
                self.assertGreater(len(truths[name].alerts), 20)
            for trial in range(TRIALS):
                name = list(states)[trial % len(states)]
                key = self.one_flip(chance, scratch, name, states[name], truths[name])
                found[key] = found.get(key, 0) + 1
        for (kind, how), count in sorted(found.items()):
            print(f"  {kind:10} {how:25} {count}")


if __name__ == "__main__":
    unittest.main()
