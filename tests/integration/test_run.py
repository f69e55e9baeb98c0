# SPDX-License-Identifier: MIT
"""tools/run as a newcomer meets it: it builds, shows alerts, and stops cleanly on Ctrl-C."""

import os
import signal
import subprocess
import unittest

from harness import Scratch, wait_until
from harness.daemon import DOORS, environment, executable, free_ports
from harness.sinks import MailServer, Slack, certificate

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILT_HERE = os.path.realpath(executable()) == os.path.realpath(os.path.join(ROOT, "build", "tapewarden"))


@unittest.skipUnless(BUILT_HERE, "tools/run builds into build/, and this is another build")
class Run(unittest.TestCase):
    def run_until(self, what, by, extra=None, meanwhile=lambda: None):
        """Starts tools/run, waits until its output shows `what`, signals as a terminal does; (exit code, output)."""
        with Scratch() as scratch:
            out = open(scratch.write("out", ""), "r+", encoding="utf-8")    # a file: nobody has to read it in time
            options = [word for door, port in zip(DOORS, free_ports(len(DOORS)))
                       for word in ("--set", f"bind/{door}=tcp://127.0.0.1:{port}")]
            run = subprocess.Popen([os.path.join(ROOT, "tools", "run"), "--data", scratch.path("data"), *options],
                                   stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                                   env=environment({"TW_RATE": "2000"} | (extra or {})))
            try:
                wait_until(what, lambda: what in self.so_far(out) or run.poll() is not None, seconds=120)
                self.assertIsNone(run.poll(), self.so_far(out))
                meanwhile()
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

    def test_a_file_of_the_environment_points_it_at_receivers(self):
        with Scratch() as scratch, Slack() as slack:
            tls = certificate(scratch)
            with MailServer(tls) as mail:
                file = scratch.write("env", f"""# a comment
SLACK_WEBHOOK_URL="{slack.url}"
export ALERT_EMAIL_FROM=tapewarden@example.com
ALERT_EMAIL_TO='risk@example.com'
SMTP_SERVER=localhost
SMTP_PORT={mail.port}
SMTP_USERNAME=tapewarden
SMTP_PASSWORD=hunter2
TAPEWARDEN_DELIVERY__CA_FILE={tls[0]}
""")

                def both():
                    slack.wait("a message", lambda got: got, seconds=60)
                    mail.wait("a mail", lambda got: got, seconds=60)
                code, out = self.run_until("HIGH_TRANSACTION_VELOCITY", signal.SIGINT, {"TW_ENV_FILE": file}, both)
                self.assertEqual(code, 0, out)
                self.assertNotIn("hunter2", out)
                self.assertIn(b"Subject: ", mail.got[0][2])

    def test_a_line_of_that_file_that_is_none_is_named_but_not_shown(self):
        with Scratch() as scratch:
            file = scratch.write("env", "A=1\nmy secret\n")
            run = subprocess.run([os.path.join(ROOT, "tools", "run")], capture_output=True, text=True, check=False,
                                 env=environment({"TW_ENV_FILE": file}), timeout=120)
            self.assertEqual(run.returncode, 2, run)
            self.assertIn(f"{file}:2: not NAME=value", run.stderr)
            self.assertNotIn("my secret", run.stderr)

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
