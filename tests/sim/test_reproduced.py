# SPDX-License-Identifier: MIT
"""A broken promise names its seed, and that seed breaks it again: byte for byte, in another process, story and all.

SIM_PLANTED: the simulation over the cores with bugs to plant.
"""

import os
import re
import subprocess
import unittest

SIM = os.environ["SIM_PLANTED"]


def run(*words):
    done = subprocess.run([SIM, *words], capture_output=True, timeout=300, check=False)
    return done.returncode, done.stdout, done.stderr


class Reproduced(unittest.TestCase):
    def again(self, bug):
        code, out, said = run("--plant", bug, "--seeds", "1", "100")
        self.assertEqual(code, 1, out)
        seed = re.search(rb"^the first was seed (\d+)$", out, re.MULTILINE).group(1).decode()
        first, again = run("--plant", bug, seed, "--tell"), run("--plant", bug, seed, "--tell")
        self.assertEqual(first, again)
        code, story, word = first
        self.assertEqual(code, 1)
        self.assertEqual(word, said)
        self.assertRegex(word.decode(), rf"^seed {seed} broke a promise at \d+\.\d+ s: ")
        self.assertIn(f"sim {seed} --tell", word.decode())
        self.assertGreaterEqual(story.count(b"\n"), 5)
        self.assertEqual(run(seed)[0], 0, "the seed itself is at fault, not the bug")

    def test_a_window_that_is_off_by_one(self):
        self.again("window_off_by_one")

    def test_an_ack_before_the_sync(self):
        self.again("ack_before_fsync")

    def test_two_runs_tell_the_same_and_another_seed_tells_otherwise(self):
        first, again, other = run("7", "--tell"), run("7", "--tell"), run("8", "--tell")
        self.assertEqual(first, again)
        self.assertEqual(first[0], 0)
        prints = [re.search(rb"kept, print ([0-9a-f]{16})", run_[1]).group(1) for run_ in (first, other)]
        self.assertNotEqual(*prints)


if __name__ == "__main__":
    unittest.main()
