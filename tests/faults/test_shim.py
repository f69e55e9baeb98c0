#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shim itself, with a small program as its victim: it does what it is told, and never nothing in silence."""

import os
import signal
import subprocess
import unittest

import place  # noqa: F401  -- finds the harness
from harness import Scratch, wait_until
from shim_control import Shim

VICTIM = os.environ.get("TW_FAULT_VICTIM", "")
KILLED = -signal.SIGKILL


class World:
    """A scratch directory, with the tree under it that the shim watches."""

    def __init__(self):
        self.scratch = Scratch()
        self.root = self.scratch.path("tree")
        os.mkdir(self.root)
        self.shim = Shim(self.root)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.scratch.__exit__()

    def run(self, script, **settings):
        """(exit code, output) of the victim in the tree."""
        environment = os.environ | self.shim.use(**settings)
        done = subprocess.run([VICTIM, *script.split()], cwd=self.root, env=environment, capture_output=True, text=True,
                              timeout=30, check=False)
        assert self.shim.loaded(), f"the shim was not loaded: {done}"
        return done.returncode, done.stdout + done.stderr

    def content(self, name):
        with open(os.path.join(self.root, name), "rb") as file:
            return file.read()

    def names(self, below="."):
        return sorted(os.listdir(os.path.join(self.root, below)))


class Kills(unittest.TestCase):
    def test_kills_before_the_nth_sync_and_after_it(self):
        script = "write a 0 10 x sync a write a 10 10 y datasync a write a 20 10 z"
        for when in ("before", "after"):
            with World() as world:
                code, _ = world.run(script, mode="kill", at=2, when=when)
                self.assertEqual(code, KILLED)
                self.assertEqual(world.content("a"), b"x" * 10 + b"y" * 10)    # a kill loses nothing written
                self.assertEqual([call for _, call, _ in world.shim.syncs()], ["fsync", "fdatasync"])
                self.assertIn("why=sync syncs=2", world.shim.fired())

    def test_syncs_outside_the_tree_do_not_count(self):
        with World() as world:
            code, _ = world.run("write ../b 0 10 x sync ../b write a 0 10 x sync a", mode="kill", at=2)
            self.assertEqual(code, 0)
            self.assertEqual(world.shim.syncs(), [(1, "fsync", "a")])

    def test_a_setting_that_is_not_understood_stops_the_process(self):
        with World() as world:
            environment = os.environ | world.shim.use(mode="power", keep="most")
            done = subprocess.run([VICTIM], env=environment, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 97)
            self.assertIn("TW_FAULT_KEEP=most", done.stderr)


class Power(unittest.TestCase):
    def after(self, script, at, when="before", keep="none", before=None, **more):
        """The world after the cut; the caller leaves it."""
        world = World()
        self.addCleanup(world.__exit__)
        for name, content in (before or {}).items():
            world.scratch.write(os.path.join("tree", name), content)
        code, out = world.run(script, mode="power", at=at, when=when, keep=keep, **more)
        self.assertEqual(code, KILLED, out)
        self.assertTrue(world.shim.cut())
        return world

    def test_what_was_not_synced_is_gone(self):
        world = self.after("write a 0 1000 x sync a syncdir . append a 5000 y sync a", at=3)
        self.assertEqual(world.content("a"), b"x" * 1000)
        world = self.after("write a 0 1000 x sync a syncdir . append a 5000 y sync a", at=3, when="after")
        self.assertEqual(world.content("a"), b"x" * 1000 + b"y" * 5000)

    def test_an_overwritten_place_holds_what_was_synced(self):
        world = self.after("write a 700 100 y write a 5000 50 z write a 710 10 w sync a", at=1,
                           before={"a": b"o" * 2000})
        self.assertEqual(world.content("a"), b"o" * 2000)

    def test_a_name_whose_directory_was_not_synced_is_gone(self):
        world = self.after("write a 0 1000 x sync a write b 0 10 y sync b", at=2, when="after")
        self.assertEqual(world.names(), [])
        world = self.after("write a 0 1000 x sync a syncdir . write b 0 10 y sync b", at=3, when="after")
        self.assertEqual(world.names(), ["a"])

    def test_a_renamed_file_is_back_under_its_old_name_and_the_replaced_one_too(self):
        script = "write a.new 0 10 n sync a.new rename a.new a sync a"
        world = self.after(script, at=2, when="after", before={"a": b"old"})
        self.assertEqual((world.names(), world.content("a")), (["a"], b"old"))
        world = self.after(script + " syncdir .", at=3, when="after", before={"a": b"old"})
        self.assertEqual((world.names(), world.content("a")), (["a"], b"n" * 10))

    def test_a_renamed_file_that_was_never_synced_is_empty(self):
        world = self.after("write a.new 0 10 n rename a.new a syncdir .", at=1, when="after", before={"a": b"old"})
        self.assertEqual((world.names(), world.content("a")), (["a"], b""))

    def test_a_removed_file_is_back(self):
        script = "unlink a write b 0 1 x sync b syncdir ."
        world = self.after(script, at=1, before={"a": b"kept"})
        self.assertEqual((world.names(), world.content("a")), (["a"], b"kept"))
        world = self.after(script, at=2, when="after", before={"a": b"kept"})
        self.assertEqual(world.names(), ["b"])

    def test_links_and_directories(self):
        world = self.after("mkdir d write d/a 0 10 x sync d/a syncdir d link d/a d/b sync d/a", at=3)
        self.assertEqual(world.names(), [])    # d itself was never made durable
        world = self.after("mkdir d syncdir . write d/a 0 10 x sync d/a syncdir d link d/a d/b sync d/a", at=4)
        self.assertEqual((world.names(), world.names("d")), (["d"], ["a"]))

    def test_a_cut_length_is_back(self):
        for script in ("truncate a 100 write b 0 1 x sync b", "empty a append a 10 z write b 0 1 x sync b"):
            world = self.after(script, at=1, before={"a": b"o" * 3000})
            self.assertEqual(world.content("a"), b"o" * 3000, script)

    def test_what_is_written_while_a_sync_runs_is_not_covered(self):
        """Another thread would do it; here the sync of `a` is over before the second write, and covers only the first."""
        world = self.after("write a 0 600 x sync a syncdir . write a 300 600 y datasync b", at=3, before={"b": b""})
        self.assertEqual(world.content("a"), b"x" * 600)

    def test_a_prefix_is_a_prefix_in_sectors_and_differs_by_seed(self):
        lengths = set()
        for seed in range(1, 30):
            world = self.after("write a 0 1000 x sync a syncdir . append a 9000 y sync a", at=3, keep="prefix",
                               seed=seed, sector=4096)
            content = world.content("a")
            self.assertEqual(content, (b"x" * 1000 + b"y" * 9000)[:len(content)])
            self.assertIn(len(content), (1000, 4096, 8192, 10000))
            lengths.add(len(content))
        self.assertEqual(len(lengths), 4)

    def test_scattered_sectors_leave_holes_of_zeros(self):
        holes = 0
        for seed in range(1, 20):
            world = self.after("write a 0 512 x sync a syncdir . append a 9000 y sync a", at=3, keep="scatter", seed=seed)
            content = world.content("a")
            self.assertEqual(content[:512], b"x" * 512)
            for at in range(512, len(content), 512):
                self.assertIn(content[at:at + 512].strip(b"y"), (b"", bytes(len(content[at:at + 512]))))
            holes += b"\0y" in content
        self.assertGreater(holes, 5)

    def test_all_is_all(self):
        world = self.after("append a 9000 y sync a", at=1, keep="all")
        self.assertEqual(world.content("a"), b"y" * 9000)

    def test_by_a_pull_of_the_trigger(self):
        with World() as world:
            environment = os.environ | world.shim.use(mode="power", trigger=True)
            with subprocess.Popen([VICTIM, *"write a 0 9 x syncdir . sync a append a 9 y wait".split()], cwd=world.root,
                                  env=environment) as victim:
                wait_until("both syncs and the append",
                           lambda: len(world.shim.syncs()) == 2 and len(world.content("a")) == 18)
                world.shim.pull()
                self.assertEqual(victim.wait(10), KILLED)
            self.assertEqual(world.content("a"), b"x" * 9)
            self.assertIn("why=trigger", world.shim.fired())

    def test_at_the_end_of_the_process(self):
        with World() as world:
            code, _ = world.run("write a 0 9 x syncdir . sync a append a 9 y", cut_at_exit=True)
            self.assertEqual((code, world.content("a")), (0, b"x" * 9))
            self.assertTrue(world.shim.cut())


class Eio(unittest.TestCase):
    SCRIPT = "write a 0 600 x sync a append a 600 y sync a append a 600 z sync a"

    def test_one_sync_fails_and_what_it_should_have_kept_is_gone(self):
        with World() as world:
            code, out = world.run(self.SCRIPT, mode="eio", at=2)
            self.assertEqual((code, out.count("EIO")), (0, 1))
            # As on a real disk: the third sync succeeds, though what the second should have kept is gone.
            self.assertEqual(world.content("a"), b"x" * 600 + b"z" * 600)

    def test_all_from_there_on_fail(self):
        with World() as world:
            code, out = world.run(self.SCRIPT, mode="eio", at=2, all_later=True)
            self.assertEqual((code, out.count("EIO")), (0, 2))
            self.assertEqual(world.content("a"), b"x" * 600)

    def test_data_may_also_stay(self):
        with World() as world:
            world.run(self.SCRIPT, mode="eio", at=2, keep="all")
            self.assertEqual(world.content("a"), b"x" * 600 + b"y" * 600 + b"z" * 600)


if __name__ == "__main__":
    unittest.main()
