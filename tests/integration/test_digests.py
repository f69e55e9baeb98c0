# SPDX-License-Identifier: MIT
"""What would be too much for a person arrives as a handful of messages, and nothing is lost: digests."""

import email
import email.policy
import json
import re
import unittest

from harness import Daemon, Publisher, Scratch, run_tool, trade, wait_until
from harness.sinks import MailServer, Slack, Webhook, certificate

WILD = 12_000   # alerts; a digest takes 10,000


def wild(daemon, count, name="desk-1"):
    """A symbol gone wild."""
    with Publisher(daemon, name) as publisher:
        publisher.publish([trade(symbol="WILD", account=None, side=None, qty=20000) for _ in range(count)], seconds=60)


def ledger(data, *words):
    done = run_tool("deliveries", "list", "--json", "--data", data, *words, seconds=60)
    assert done.code == 0, done
    return [json.loads(line) for line in done.out.splitlines()]


class Digests(unittest.TestCase):
    def test_a_symbol_gone_wild_is_a_handful_of_messages(self):
        with Scratch() as scratch, Webhook() as ops, Slack() as slack, \
                MailServer(tls := certificate(scratch)) as mail:
            extra = {"SLACK_WEBHOOK_URL": slack.url, "ALERT_EMAIL_FROM": "tapewarden@example.com",
                     "ALERT_EMAIL_TO": "risk@example.com", "SMTP_SERVER": "localhost", "SMTP_PORT": str(mail.port),
                     "SMTP_USERNAME": "tapewarden", "SMTP_PASSWORD": "hunter2", "TAPEWARDEN_DELIVERY__CA_FILE": tls[0]}
            with Daemon(sets={"webhook/ops": ops.url, "limit/ops": 10, "limit/slack": 10, "limit/mail": 30},
                        extra=extra) as daemon:
                wild(daemon, WILD)
                ops.wait("all alerts, alone or in digests", lambda got: len(ops.told()) >= WILD, 60)
                self.assertEqual(ops.told(), list(range(1, WILD + 1)))
                self.assertLessEqual(len(ops.got), 16)
                slack.wait("all alerts", lambda got: self.counted(m["text"] for m in got) == WILD, 90)
                self.assertLessEqual(len(slack.got), 16)
                mail.wait("all alerts", lambda got: self.counted(map(self.subject, got)) == WILD, 90)
                self.assertLessEqual(len(mail.got), 45)
                self.check_digest_mail([raw for _, _, raw in mail.got if " alerts: " in self.subject((0, 0, raw))][0])
                wait_until("nothing pending", lambda: not ledger(daemon.data, "--state", "pending"))
                rows = ledger(daemon.data, "--receiver", "ops")
                self.assertEqual(sorted(row["n"] for row in rows), list(range(1, WILD + 1)))
                held = [row for row in rows if row["answer"].startswith("in a digest of ")]
                self.assertEqual(len(held), WILD - len(ops.got))
                self.assertEqual({row["state"] for row in rows}, {"delivered"})
                self.assertEqual((ops.faults, slack.faults, mail.faults), ([], [], []))
                self.assertEqual(daemon.stop()[0], 0)

    @staticmethod
    def subject(mail):
        return str(email.message_from_bytes(mail[2], policy=email.policy.default)["Subject"])

    @staticmethod
    def counted(texts):
        return sum(int(found[1]) if (found := re.match(r"(\d+) alerts: ", text)) else 1 for text in texts)

    def check_digest_mail(self, raw):
        self.assertEqual(raw.replace(b"\r\n", b"").count(b"\n"), 0)
        self.assertLessEqual(max(map(len, raw.split(b"\r\n"))), 998)
        message = email.message_from_bytes(raw, policy=email.policy.default)
        text, html = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
        self.assertRegex(text, r"^\d+ alerts: \d+ LARGE_TRADE \(\d+ HIGH\)\n\nNumbers \d+ to \d+\.")
        self.assertIn("print of 20,000 WILD", text)
        self.assertIn("<li>", html)
        self.assertRegex(message["Message-ID"], r"^<[0-9a-f]{32}-\d+-\d+@example\.com>$")

    def test_a_digest_that_fails_is_tried_again_and_survives_kill(self):
        with Scratch() as scratch, Webhook(mode="broken") as ops:
            daemon = Daemon(data=scratch.path("data"), sets={"webhook/ops": ops.url, "limit/ops": 1,
                                                             "delivery/retry_first": 1, "delivery/retry_max": 1})
            with daemon:
                wild(daemon, 500)
                wait_until("two attempts at least", lambda: ops.requests >= 2)
                daemon.kill()
                ops.mode = "ok"
                daemon.restart()
                ops.wait("all alerts", lambda got: len(ops.told()) >= 500, 90)
                self.assertEqual(ops.told(), list(range(1, 501)))
                self.assertEqual(ops.repeats, 0)
                wait_until("nothing pending", lambda: not ledger(daemon.data, "--state", "pending"))
                self.assertEqual(ops.faults, [])
                self.assertEqual(daemon.stop()[0], 0)
            self.assertEqual(run_tool("store", "verify", "--data", daemon.data).code, 0)

    def test_a_digest_that_is_refused_is_a_dead_letter_for_each_and_can_be_retried(self):
        with Scratch() as scratch, Webhook(mode="refusing") as ops:
            with Daemon(data=scratch.path("data"), sets={"webhook/ops": ops.url, "limit/ops": 60}) as daemon:
                wild(daemon, 300)
                wait_until("dead letters", lambda: len(ledger(daemon.data, "--state", "dead")) == 300, seconds=60)
                ops.mode = "ok"
                done = run_tool("deliveries", "retry", "--receiver", "ops", "--data", daemon.data)
                self.assertEqual(done.code, 0, done)
                ops.wait("all alerts", lambda got: len(ops.told()) >= 300, 90)
                self.assertEqual(ops.told(), list(range(1, 301)))
                wait_until("no dead letters", lambda: not ledger(daemon.data, "--state", "dead"))
                self.assertEqual(ops.faults, [])
                self.assertEqual(daemon.stop()[0], 0)

    def test_only_who_can_read_a_digest_is_limited(self):
        done = run_tool("config", "check", "--set", "file/path=/tmp/alerts", "--set", "limit/file=5")
        self.assertEqual(done.code, 2, done)
        self.assertIn("limit/file: no slack, mail or standard webhook has this name", done.err)
        done = run_tool("config", "check", "--set", "webhook/a=http://localhost:1", "--set",
                        "webhook_form/a=alertmanager", "--set", "limit/a=5")
        self.assertEqual(done.code, 2, done)


if __name__ == "__main__":
    unittest.main()
