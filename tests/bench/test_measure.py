# SPDX-License-Identifier: MIT
"""What reads and sums up the benchmarks' figures: no daemon, no clock."""
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from measure import figures, proc    # noqa: E402
from peers import server                        # noqa: E402


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
