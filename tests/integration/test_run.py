# SPDX-License-Identifier: MIT
"""tools/run as a newcomer meets it: it builds, shows alerts, and stops cleanly on Ctrl-C."""

import os
import signal
import subprocess
import unittest

from harness import Scratch, wait_until
from harness.daemon import DOORS, environment, executable, free_ports

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILT_HERE = os.path.realpath(executable()) == os.path.realpath(os.path.join(ROOT, "build", "tapewarden"))


@unittest.skipUnless(BUILT_HERE, "tools/run builds into build/, and this is another build")
class Run(unittest.TestCase):
    def run_until(self, what, by):
        """Starts tools/run, waits until its output shows `what`, signals as a terminal does; (exit code, output)."""
        with Scratch() as scratch:
            out = open(scratch.write("out", ""), "r+", encoding="utf-8")    # a file: nobody has to read it in time
            options = [word for door, port in zip(DOORS, free_ports(len(DOORS)))
                       for word in ("--set", f"bind/{door}=tcp://127.0.0.1:{port}")]
            run = subprocess.Popen([os.path.join(ROOT, "tools", "run"), "--data", scratch.path("data"), *options],
                                   stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                                   env=environment({"TW_RATE": "2000"}))
            try:
                wait_until(what, lambda: what in self.so_far(out) or run.poll() is not None, seconds=120)
                self.assertIsNone(run.poll(), self.so_far(out))
                os.killpg(run.pid, by)      # Ctrl-C goes to all of a terminal's foreground
                code = run.wait(30)
                self.assertRaises(ProcessLookupError, os.killpg, run.pid, 0)    # nobody is left behind
                return code, self.so_far(out)
            finally:
                if run.poll() is None:
                    os.killpg(run.pid, signal.SIGKILL)
                    run.wait()
                out.close()

    @staticmethod
    def so_far(out):
        out.seek(0)
        return out.read()

    def test_it_shows_alerts_and_stops_on_ctrl_c(self):
        code, out = self.run_until("HIGH_TRANSACTION_VELOCITY", signal.SIGINT)
        self.assertEqual(code, 0, out)
        self.assertIn("Tapewarden is running", out)
        self.assertIn("Stopped cleanly", out)

    def test_it_can_be_stopped_at_once(self):
        code, out = self.run_until("Tapewarden is running", signal.SIGINT)
        self.assertEqual(code, 0, out)

    def test_a_wrong_option_is_said(self):
        run = subprocess.run([os.path.join(ROOT, "tools", "run"), "--set", "rules/nonsense=1"], capture_output=True,
                             text=True, env=environment(), timeout=120, check=False)
        self.assertEqual(run.returncode, 2, run)
        self.assertIn("rules/nonsense", run.stderr)


if __name__ == "__main__":
    unittest.main()
