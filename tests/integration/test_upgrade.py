# SPDX-License-Identifier: MIT
"""A data directory of an earlier format (tests/data): the daemon takes it over, knows everything in it, and goes on."""

import json
import os
import tarfile
import unittest

from harness import Catchup, Daemon, Publisher, Scratch, run_tool, trade

KEPT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data")
DIGESTS = {1: "30c3ba3729390efb6cef1c2bf726ba2bd0b19bc1da3bfc611e62fed9ba21b15b",
           2: "b5598b05e8367b27ccf64eba31764671aaf9d577698594ac1dda7313933e27b7",
           3: "80ffb459665747dfe480131a0c349b7203e85ad0488ed6feb33b0d735c4411ea",
           4: "ab89606db9d9adf4f1630513135f1e529b8432412b7387e6d755063c074b359f"}
ALERTS = {1: 48, 2: 59, 3: 49, 4: 62}
DESK_1 = {1: 1531, 2: 1800, 3: 1800, 4: 2046}     # the last number that desk-1 used
LATER = 1_704_300_000_000_000_000


def unpacked(scratch, number):
    with tarfile.open(os.path.join(KEPT, f"format-{number}.tar.gz")) as archive:
        archive.extractall(scratch.path(""))
    return scratch.path(f"format-{number}")


def format_of(data):
    with open(os.path.join(data, "FORMAT"), encoding="ascii") as file:
        return file.read()


def replayed(data):
    done = run_tool("replay", "--data", data, "--json", "--summary")
    assert done.code == 0, done
    return json.loads(done.out)


class Upgrade(unittest.TestCase):
    def test_tools_read_the_old_formats_without_changing_them(self):
        for number in DIGESTS:
            with self.subTest(format=number), Scratch() as scratch:
                data = unpacked(scratch, number)
                self.assertEqual(run_tool("store", "verify", "--data", data).code, 0)
                self.assertEqual(replayed(data)["digest"], DIGESTS[number])
                self.assertEqual(format_of(data), f"tapewarden {number}\n")

    def test_the_daemon_upgrades_them_and_goes_on(self):
        for number in DIGESTS:
            with self.subTest(format=number), Scratch() as scratch:
                self.goes_on(unpacked(scratch, number), ALERTS[number], DESK_1[number])

    def test_a_newer_format_is_refused_with_a_sentence(self):
        with Scratch() as scratch:
            data = unpacked(scratch, max(DIGESTS))
            newer = "tapewarden 6\n"
            with open(os.path.join(data, "FORMAT"), "w", encoding="ascii") as file:
                file.write(newer)
            daemon = Daemon(data=data)
            self.addCleanup(daemon.scratch.__exit__)
            daemon.spawn()
            self.assertEqual(daemon.wait_end(), 3, daemon.said())
            self.assertIn("written by a newer Tapewarden (format 6; this one knows up to 5)", daemon.said())
            for tool in (("store", "stats"), ("store", "verify"), ("replay",)):
                done = run_tool(*tool, "--data", data)
                self.assertEqual(done.code, 3, done)
                self.assertIn("newer", done.err)
            self.assertEqual(format_of(data), newer)

    def goes_on(self, data, alerts, last_number):
        before = json.loads(run_tool("store", "stats", "--json", "--data", data).out)
        with Daemon(data=data) as daemon:
            self.assertEqual(format_of(data), "tapewarden 5\n")
            with Catchup(daemon) as catchup:
                self.assertEqual([alert["n"] for alert, _ in catchup.everything()], list(range(1, alerts + 1)))
                self.assertEqual(len(catchup.everything("refusals")), before["refusals"])
            with Publisher(daemon, "desk-1") as publisher:
                self.assertEqual(publisher.hello()["next"], last_number + 1)
                publisher.next_seq = last_number + 1
                publisher.publish([trade(qty=20000, ts=LATER + at, id=f"new{at}") for at in range(100)])
            self.assertEqual(daemon.stop()[0], 0)
        after = replayed(data)
        self.assertEqual(after["trades"], before["trades"] + 100)
        self.assertGreaterEqual(after["recorded"], alerts + 100)    # each of them is large
        self.assertFalse(after["differs"])
        self.assertEqual(run_tool("store", "verify", "--data", data).code, 0)
        rows = [row.split() for row in run_tool("replay", "--data", data, "--events").out.splitlines()[alerts:]]
        self.assertEqual(rows[0][0], str(alerts + 1))
        self.assertEqual(sum(row[1:3] == ["fire", "LARGE_TRADE"] for row in rows), 100)


if __name__ == "__main__":
    unittest.main()
