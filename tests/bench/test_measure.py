# SPDX-License-Identifier: MIT
"""What reads and sums up the benchmarks' figures: no daemon, no clock."""
import hashlib
import importlib.machinery
import importlib.util
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from measure import callgrind, figures, proc    # noqa: E402
from peers import server                        # noqa: E402


def script(name):
    loader = importlib.machinery.SourceFileLoader(name, str(HERE / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


# main -> shard (twice), shard -> judging (inside it), replay -> decode, pipeline -> router with an inlined file before the call,
# router -> a callback in tools: what it costs is the router's.
CALLGRIND = """version: 1
events: Ir
fl=(1) /src/actors/pipeline/pipeline.c
fn=(1) tw_pipeline_feed
10 5
cfi=(2) /src/actors/shard/shard.c
cfn=(2) tw_shard_take
calls=2 20
11 1000
fi=(3) /src/protocol/pack.h
12 7
cfi=(4) /src/actors/router/router.c
cfn=(3) tw_router_take
calls=1 30
+1 400

fl=(2)
fn=(2)
20 600
cfi=(5) /src/actors/judging/window.c
cfn=(4) tw_window_add
calls=2 5
21 400

fl=(4)
fn=(3)
30 300
cfi=(6) /src/tools/replay_command.c
cfn=(5) on_alert
calls=1 7
* 100

fl=(7) /src/tools/replay.c
fn=(6) drain
40 9
cfi=(8) /src/protocol/log.c
cfn=(7) tw_record_decode
calls=1 3
41 50
cfi=(1)
cfn=(1)
calls=1 9
42 1412

totals: 1471
"""


class Callgrind(unittest.TestCase):
    def test_a_core_has_what_its_drivers_calls_cost(self):
        found, total = callgrind.instructions(CALLGRIND.splitlines(keepends=True))
        self.assertEqual(found, {"shard": 1000, "router": 400, "decode": 50})
        self.assertEqual(total, 1471)


class Instructions(unittest.TestCase):
    def setUp(self):
        self.script = script("instructions")

    def test_over_five_percent_more_is_a_finding(self):
        self.assertTrue(self.script.compare({"shard": 1000}, {"shard": 1051})[1])
        self.assertFalse(self.script.compare({"shard": 1000}, {"shard": 1049})[1])
        self.assertFalse(self.script.compare({"shard": 1000}, {"shard": 500})[1])

    def test_one_worse_core_is_not_hidden_by_a_better_one(self):
        self.assertTrue(self.script.compare({"shard": 1000, "router": 1000}, {"shard": 1100, "router": 100})[1])

    def test_a_core_that_is_not_on_record_is_a_finding(self):
        self.assertTrue(self.script.compare({}, {"shard": 10})[1])

    def test_the_tape_is_the_same_everywhere(self):
        self.assertEqual(hashlib.sha256(self.script.tape().encode()).hexdigest(), "c591d02b1c3e014a5d8add6de412d45cf6064ea23c691a9c65f3d35bca14c781")


class Figures(unittest.TestCase):
    def test_median_and_spread(self):
        runs = [{"x": value} for value in (3, 1, 2)]
        self.assertEqual(figures.spread(runs, "x"), "2 (1 to 3)")
        self.assertEqual(figures.spread(runs[:1], "x"), "3")

    def test_ratios_are_of_neighbours(self):
        ours, theirs = [{"x": 10}, {"x": 100}, {"x": 30}], [{"x": 5}, {"x": 100}, {"x": 10}]
        self.assertEqual(figures.ratios(ours, theirs, "x"), 2)

    def test_slope(self):
        self.assertAlmostEqual(figures.slope([(0, 1), (1, 3), (2, 5)]), 2)
        self.assertEqual(figures.slope([(0, 1)]), 0)

    def test_threads_of_one_name_count_together(self):
        before = {(1, "shard-0"): 10}
        after = {(1, "shard-0"): 15, (2, "shard-1"): 7, (3, "ZMQbg/IO/0"): 1, (4, "rocksdb:low0"): 2}
        self.assertEqual(proc.spent_ns(before, after), {"shard": 12, "ZMQbg/IO": 1, "rocksdb:low": 2})


class Wire:
    """A connection that answers in pieces."""

    def __init__(self, answers):
        self.answers = answers

    def sendall(self, unused):
        pass

    def recv(self, unused):
        piece, self.answers = self.answers[:7], self.answers[7:]
        return piece


class Pipelined(unittest.TestCase):
    def test_answers_in_pieces_count_once(self):
        answer = b"MSG _INBOX.a 1 4\r\nabcd\r\n"
        wire = Wire(answer * 1200)
        server.pipelined(wire, [b"x"] * 1200, b"MSG _INBOX.a ")
        self.assertLess(len(wire.answers), len(answer), "it heard all of them")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
