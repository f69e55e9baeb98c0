# SPDX-License-Identifier: MIT
"""What people read: texts from templates, by the real daemon to strict receivers, and shown before by a command."""

import email
import email.policy
import json
import re
import struct
import subprocess
import unittest
import zlib

from harness import Daemon, Publisher, Scratch, run_tool, trade, wait_until
from harness.alertmanager import WebhookOfAlertmanager
from harness.daemon import environment, executable
from harness.sinks import MailServer, PagerDuty, Slack, SystemLog, Webhook, certificate

ACCOUNT = "Müller <b>&\"'"
EPISODE = [trade(account=ACCOUNT, qty=4000, price="150.00", id="x-1"), trade(account=ACCOUNT, qty=3000, price="150.00"),
           trade(account=ACCOUNT, side="S", qty=3000, price="150.00")]
MAIL = """{{! the desk's own }}
{{$subject}}[{{severity | lower}}] {{entity}}: {{value | money}} {{unit}}
over {{threshold | number}}{{/subject}}
{{$text}}
{{#escalated}}
It has grown within {{lasted}}, since {{since | time}}.
{{/escalated}}
{{#trades}}
- {{side}} {{qty | number}} {{symbol}} at {{price | money}} for {{account}} ({{pub}}/{{pseq}}{{#id}}, {{id}}{{/id}})
{{/trades}}
{{^over}}
Look at it: https://desk.example/alerts/{{id}}
{{/over}}
{{/text}}
{{$html}}
<p title="{{entity}}">{{message}}</p>
{{^over}}
<p><a href="https://desk.example/who/{{entity}}">look at it</a></p>
{{/over}}
{{/html}}
"""


def plain_and_html(raw):
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    body = mail.get_body(("plain",)), mail.get_body(("html",))
    return mail, *(part.get_content().replace("\r\n", "\n").rstrip("\n") for part in body)


def decode_png(data):
    """Width, height and rows of colours of a PNG with a palette of bytes; every checksum is checked."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n", data[:8]
    chunks, at = [], 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == zlib.crc32(kind + body), kind
        chunks.append((kind, body))
        at += 12 + length
    assert [kind for kind, _ in chunks][-1] == b"IEND"
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", chunks[0][1])
    assert (depth, colour, *rest) == (8, 3, 0, 0, 0), chunks[0]
    palette = dict(chunks)[b"PLTE"]
    pixels = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    assert len(pixels) == height * (width + 1)
    rows = []
    for row in range(height):
        begin = row * (width + 1)
        assert pixels[begin] == 0, "a row is filtered, which this reader does not undo"
        rows.append([tuple(palette[3 * index:3 * index + 3]) for index in pixels[begin + 1:begin + 1 + width]])
    return width, height, rows


def sent_number(mail):
    return int(mail["X-Tapewarden-Key"].split("-")[1])


class Texts(unittest.TestCase):
    def setUp(self):
        self.scratch = self.enterContext(Scratch())

    def template(self, name, text):
        return self.scratch.write(name, text)

    def publish(self, daemon, trades=None):
        with Publisher(daemon, "desk-7") as publisher:
            publisher.publish(EPISODE if trades is None else trades)

    def mail_sets(self, server, tls):
        return {"mail/to": "risk@example.com", "mail/from": "tapewarden@example.com", "mail/server": "localhost",
                "mail/port": server.port, "mail/username": "tapewarden", "delivery/ca_file": tls[0], "exposure/remark": 0,
                "mail/password_file": self.scratch.write("password", "hunter2\n"), "limit/mail": 0}

    def rendered(self, n, sets, data, *words):
        flags = [flag for key, value in sets.items() for flag in ("--set", f"{key}={value}")]
        done = run_tool("deliveries", "render", "mail", "--alert", n, "--data", data, *flags, *words)
        self.assertEqual(done.code, 0, done)
        return done.out

    def test_a_mail_says_what_its_template_says(self):
        tls = certificate(self.scratch)
        with MailServer(tls) as server:
            sets = self.mail_sets(server, tls) | {"mail/template": self.template("mail.template", MAIL)}
            with Daemon(sets=sets, data=self.scratch.path("data")) as daemon:
                self.publish(daemon)
                server.wait("the mails", lambda got: len(got) >= 4, seconds=30)
                self.assertEqual(daemon.stop()[0], 0)
            mails = [plain_and_html(raw) for _, _, raw in server.got]
            by_event = {}
            for mail, plain, html in mails:
                n = sent_number(mail)
                stored = json.loads(self.rendered(n, sets, daemon.data, "--json"))
                self.assertEqual(stored["text"].rstrip("\n"), plain)         # what the command shows is what was sent
                self.assertEqual(stored["html"].rstrip("\n"), html)
                by_event[n] = (mail["Subject"], plain, html)
            who = [said for said in by_event.values() if said[0].startswith(f"[high] {ACCOUNT}")]
            subject, plain, html = who[0]
            self.assertEqual(subject, f"[high] {ACCOUNT}: 1,050,000.00 USD over 1,000,000")
            self.assertEqual(plain.splitlines()[:2], [
                f"- buy 4,000 X at 150.00 for {ACCOUNT} (desk-7/1, x-1)", f"- buy 3,000 X at 150.00 for {ACCOUNT} (desk-7/2)"])
            self.assertRegex(plain, r"\nLook at it: https://desk.example/alerts/[0-9a-f]{32}$")
            self.assertIn('<p title="Müller &lt;b&gt;&amp;&quot;&#39;">', html)
            self.assertIn("/who/M%C3%BCller%20%3Cb%3E%26%22%27\">", html)
            grown = [said for said in by_event.values() if "It has grown" in said[1]]
            self.assertEqual(len(grown), 1)
            self.assertRegex(grown[0][1], r"^It has grown within \d+ s, since 2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.\n")
            over = [said for said in by_event.values() if "Look at it" not in said[1]]
            self.assertEqual(len(over), 1)                      # the account's end

    def check_picture(self, raw):
        """What HTML shows is in the mail, and a picture that is not blank. Returns its title."""
        mail, _, html = plain_and_html(raw)
        alternative = list(mail.iter_parts())
        self.assertEqual([part.get_content_type() for part in alternative], ["text/plain", "multipart/related"])
        _, picture = alternative[1].iter_parts()
        self.assertEqual((picture.get_content_type(), picture.get_content_disposition()), ("image/png", "inline"))
        self.assertIn(f'<img src="cid:{picture["Content-ID"].strip("<>")}" width="480" height="160"', html)
        width, height, rows = decode_png(picture.get_content())
        self.assertEqual((width, height), (960, 320))
        seen = {pixel for row in rows for pixel in row}
        self.assertLessEqual({(255, 255, 255), (21, 101, 192), (198, 40, 40)}, seen)     # paper, curve, limit
        return picture.get_content(), re.search(r"<small>(.*)</small>", html).group(1)

    def test_a_mail_has_the_curve_of_its_trades(self):
        tls = certificate(self.scratch)
        with MailServer(tls) as server:
            sets = self.mail_sets(server, tls)
            with Daemon(sets=sets, data=self.scratch.path("data")) as daemon:
                self.publish(daemon, EPISODE + [trade(symbol="Y", account=None, qty=20000)])
                server.wait("the mails", lambda got: len(got) >= 5, seconds=30)
                self.assertEqual(daemon.stop()[0], 0)
            by_number = {sent_number(plain_and_html(raw)[0]): raw for _, _, raw in server.got}
            alerts = [json.loads(line) for line in run_tool(
                "alerts", "list", "--json", "--data", self.scratch.path("data")).out.splitlines()]
            client = next(alert for alert in alerts if alert["type"] == "HIGH_CLIENT_EXPOSURE")
            picture, title = self.check_picture(by_number[client["n"]])
            self.assertRegex(title, r"^Exposure, by what each added, over 2 trades, 600k to 1.05M, ")
            flags = [flag for key, value in sets.items() for flag in ("--set", f"{key}={value}")]
            path = self.scratch.path("curve.png")
            with open(path, "wb") as file:
                done = subprocess.run([executable(), "deliveries", "render", "mail", "--part", "picture", "--alert",
                                       str(client["n"]), "--data", self.scratch.path("data"), *flags], stdout=file, env=environment(), check=False)
            self.assertEqual(done.returncode, 0)
            with open(path, "rb") as file:
                self.assertEqual(file.read(), picture)          # what the command shows is what was sent
            large = next(alert for alert in alerts if alert["type"] == "LARGE_TRADE")
            mail, _, html = plain_and_html(by_number[large["n"]])   # one trade makes no curve
            self.assertEqual([part.get_content_type() for part in mail.iter_parts()], ["text/plain", "text/html"])
            self.assertNotIn("cid:", html)
            done = run_tool("deliveries", "render", "mail", "--part", "picture", "--alert", large["n"], "--data",
                            self.scratch.path("data"))
            self.assertEqual((done.code, done.out), (1, ""), done)

    def test_slack_pagerduty_and_syslog_say_what_their_templates_say(self):
        slack_text = ("{{$headline}}{{entity}}\nis at {{percent}} %{{/headline}}{{$text}}{{entity}}{{/text}}{{$body}}*{{entity}}*\n"
                      "{{#trades}}`{{symbol}}`{{/trades}}{{/body}}{{$field}}only {{type}}{{/field}}{{$context}}{{/context}}")
        with Slack() as slack, PagerDuty() as pagerduty, SystemLog(self.scratch.path("log")) as log:
            sets = {"slack/webhook_url_file": self.scratch.write("slack", slack.url),
                    "pagerduty/routing_key_file": self.scratch.write("key", pagerduty.routing_key), "pagerduty/url": pagerduty.url,
                    "syslog/address": self.scratch.path("log"), "exposure/remark": 0, "route/who/match": "entity_type=CLIENT",
                    "route/rest/receiver": "none", "route/who/receiver": "slack pagerduty syslog",
                    "slack/template": self.template("s", slack_text),
                    "pagerduty/template": self.template("p", "{{$summary}}{{entity}} at {{value | number}}{{/summary}}"),
                    "syslog/template": self.template("l", "{{$message}}{{entity}}\n{{event | upper}}{{/message}}")}
            with Daemon(sets=sets) as daemon:
                self.publish(daemon)
                for sink in (slack, pagerduty, log):
                    sink.wait("both events", lambda got: len(got) >= 2)
                self.assertEqual(daemon.stop()[0], 0)
            escaped = ACCOUNT.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            self.assertEqual(slack.got[0], {"text": escaped, "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": f"{ACCOUNT} is at 105 %"}},
                {"type": "section", "text": {"type": "mrkdwn", "text": f"*{escaped}*\n`X``X`"}},
                {"type": "section", "fields": [{"type": "mrkdwn", "text": "only HIGH_CLIENT_EXPOSURE"}]}]})
            self.assertEqual(pagerduty.got[0]["payload"]["summary"], f"{ACCOUNT} at 1,050,000")
            self.assertEqual([text for _, _, text in log.got], [f"{ACCOUNT} OPEN", f"{ACCOUNT} RESOLVE"])
            self.assertEqual((slack.faults, pagerduty.faults, log.faults), ([], [], []))

    def test_a_group_says_what_its_template_says(self):
        template = self.template("g", "{{$group_summary}}{{count}} in {{group}}{{#counts}}, {{all}} {{type | lower}}{{/counts}}"
                                      "{{/group_summary}}{{$group_alerts}}{{#alerts}}[{{entity}}]{{/alerts}}{{/group_alerts}}")
        shown = run_tool("deliveries", "render", "slack", "--part", "group_summary", "--set", f"slack/template={template}")
        self.assertEqual(shown.out, "2 in desk{type=EXAMPLE}, 2 high_symbol_exposure\n", shown)
        with Slack() as slack:
            sets = {"slack/webhook_url_file": self.scratch.write("slack", slack.url), "slack/template": template,
                    "route/all/receiver": "slack", "route/all/group_by": "type", "route/all/group_wait": 2}
            with Daemon(sets=sets) as daemon:
                with Publisher(daemon, "desk-7") as publisher:
                    publisher.publish([trade(qty=20000, account=None, side=None) for _ in range(3)])
                [message] = slack.wait("the group", lambda got: got[:1])
                self.assertEqual(daemon.stop()[0], 0)
        self.assertEqual(message["text"], "3 in all{type=LARGE_TRADE}, 3 large_trade")
        self.assertEqual([block["text"]["text"] for block in message["blocks"]],
                         [message["text"], "[desk-7/0/3][desk-7/0/2][desk-7/0/1]"])

    def test_alertmanager_s_annotations_say_what_its_template_says(self):
        with Webhook() as old:
            template = self.template("a", "{{$summary}}{{severity | lower}} {{entity}}{{/summary}}{{$description}}\n{{entity}} is at "
                                          "{{value | number}} {{unit}},\nlimit {{threshold | number}}\n{{/description}}")
            flags = ("--set", f"webhook/old={old.url}", "--set", "webhook_form/old=alertmanager")
            [plain] = json.loads(run_tool("deliveries", "render", "old", "--raw", *flags).out)["alerts"]
            [ours] = json.loads(run_tool("deliveries", "render", "old", "--raw", *flags, "--set",
                                         f"alertmanager/template={template}").out)["alerts"]
            said = plain["annotations"]
            self.assertEqual(list(said), ["summary", "key", "alert", "who", "how_much", "when", "trades"])
            self.assertTrue(said["summary"].startswith("EXAMPLE exposure 1,050,000 USD is above 750,000"), said)
            self.assertEqual(ours["annotations"], said | {"summary": "critical EXAMPLE", "description":
                                                          "EXAMPLE is at 1,050,000 USD,\nlimit 750,000"})
            for name in ("old", "alertmanager"):
                shown = run_tool("deliveries", "render", name, "--part", "summary", *flags, "--set", f"alertmanager/template={template}")
                self.assertEqual(shown.out, "critical EXAMPLE\n", shown)

    def test_a_webhook_of_alertmanager_s_form_knows_the_trades(self):
        template = self.template("a", "{{$summary}}{{entity}}{{#trades}} {{symbol}}{{/trades}}{{/summary}}"
                                      "{{$description}}{{#since}}since {{since}}{{/since}}{{/description}}")
        with WebhookOfAlertmanager() as old:
            with Daemon(sets={"webhook/old": old.url, "webhook_form/old": "alertmanager", "alertmanager/template": template,
                              "exposure/remark": 0, "route/who/match": "entity_type=CLIENT", "route/who/receiver": "old",
                              "route/rest/receiver": "none"}) as daemon:
                self.publish(daemon)
                raised, ended = [group["alerts"][0] for group in old.wait("both events", lambda got: got if len(got) >= 2 else None)]
                self.assertEqual(daemon.stop()[0], 0)
        self.assertEqual(raised["annotations"]["summary"], f"{ACCOUNT} X X")
        self.assertEqual((raised["status"], ended["status"]), ("firing", "resolved"))
        self.assertRegex(ended["annotations"]["description"], "^since 20")
        self.assertEqual(old.faults, [])

    def test_a_template_that_is_wrong_stops_the_start_and_the_check(self):
        path = self.template("bad", "{{$subject}}\n{{#trades}}\n  {{sybmol}}\n{{/trades}}\n{{/subject}}\n")
        sentence = f"{path}:3:5: there is no field sybmol in trades; did you mean symbol?"
        for words in (("config", "check"), ("run", "--data", self.scratch.path("data")), ("deliveries", "render", "mail")):
            done = run_tool(*words, "--set", f"mail/template={path}")
            self.assertEqual(done.code, 2, done)
            self.assertIn(sentence, done.err)
        self.assertEqual(run_tool("config", "check", "--set", "mail/template=/nowhere/x").code, 3)

    def test_what_is_built_in_is_a_file_to_begin_with(self):
        for kind in ("slack", "pagerduty", "alertmanager", "sns", "mail", "syslog"):
            done = run_tool("config", "template", kind)
            path = self.template(kind, done.out)
            self.assertEqual(run_tool("config", "check", "--set", f"{kind}/template={path}").out, "OK\n")
            shown = run_tool("deliveries", "render", kind, "--json")
            self.assertEqual(json.loads(shown.out)["receiver"], kind)
            self.assertEqual(run_tool("deliveries", "render", kind, "--json", "--set", f"{kind}/template={path}").out, shown.out)
        self.assertEqual(run_tool("config", "template", "webhook").code, 2)

    def test_what_would_be_sent_is_shown_and_no_secret(self):
        sets = ("--set", "pagerduty/routing_key=R0hidden", "--set", "webhook/ops=https://ops.example/hidden", "--set",
                "webhook_keys/ops=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        event = json.loads(run_tool("deliveries", "render", "pagerduty", "--raw", *sets).out)
        self.assertEqual((event["routing_key"], event["payload"]["severity"]), ("***", "critical"))
        alert = json.loads(run_tool("deliveries", "render", "ops", *sets).out)
        self.assertEqual(alert["type"], "HIGH_SYMBOL_EXPOSURE")
        html = run_tool("deliveries", "render", "mail", "--part", "html").out
        self.assertTrue(html.startswith("<!DOCTYPE html>") and "A &lt;&amp;&gt; B" in html, html)
        for code, *words in ((2, "nobody"), (2, "mail", "--part", "body"), (2, "slack", "--raw"), (2, "ops", "--part", "text"),
                             (3, "mail", "--alert", "1", "--data", "/nowhere/data")):
            done = run_tool("deliveries", "render", *words, *sets)
            self.assertEqual(done.code, code, done)
            self.assertNotIn("hidden", done.out + done.err)
        with Daemon() as daemon:
            self.publish(daemon)
            wait_until("alerts", lambda: run_tool("alerts", "list", "--data", daemon.data).out)
            self.assertEqual(run_tool("deliveries", "render", "mail", "--alert", "1", "--data", daemon.data).code, 3)   # in use
            self.assertEqual(daemon.stop()[0], 0)
            self.assertEqual(run_tool("deliveries", "render", "mail", "--alert", "99", "--data", daemon.data).code, 1)


if __name__ == "__main__":
    unittest.main()
