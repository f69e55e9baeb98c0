# SPDX-License-Identifier: MIT
"""Alerts reach people: each kind of receiver against a counterpart that checks every byte; ledger, dead letters, CLI."""

import email
import email.policy
import json
import os
import stat
import unittest

from harness import Catchup, Daemon, Publisher, Scratch, Subscriber, run_tool, trade, wait_until
from harness.alertmanager import Alertmanager
from harness.sinks import MailServer, PagerDuty, Slack, SystemLog, SystemLogOverTcp, Topic, Webhook, certificate
from harness.wire import DAY_NS

OLD_KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW_KEY = "whsec_c2VjcmV0LW9mLXRoZS1uZXh0LXF1YXJ0ZXItMjAyNg=="
EXAMPLE = [trade(qty=4000, price="150.00", id="x-1"), trade(qty=3000, price="150.00", id="x-2"),
           trade(side="S", qty=1000, price="150.00")]     # four alert events, see RULES
SECOND_NS = 1_000_000_000


def publish(daemon, trades):
    with Publisher(daemon, "desk-7") as publisher:
        publisher.publish(trades)


def recorded(daemon):
    with Catchup(daemon) as catchup:
        return [alert for alert, _ in catchup.everything()]


def listed(*arguments, seconds=30):
    done = run_tool("deliveries", "list", "--json", *arguments, seconds=seconds)
    assert done.code == 0, done
    return [json.loads(line) for line in done.out.splitlines()]


class RouteTest(unittest.TestCase):
    """`tapewarden route test`: the daemon's decision, without the daemon."""

    SETS = ["--set", "file/path=/nowhere/alerts", "--set", "webhook/ops=https://ops.example", "--set", "severity/ops=HIGH",
            "--set", "route/page/match=severity=CRITICAL", "--set", "route/page/receiver=ops",
            "--set", "route/tests/match=entity=~TEST.*", "--set", "route/tests/receiver=none",
            "--set", "route/clients/match=entity_type=CLIENT", "--set", "route/clients/receiver=file ops",
            "--set", "route/fast/parent=clients", "--set", "route/fast/match=rule=velocity",
            "--set", "route/fast/receiver=file"]

    def ask(self, *arguments, code=0):
        done = run_tool("route", "test", *self.SETS, *arguments)
        self.assertEqual(done.code, code, done)
        return done

    def test_says_for_people_what_each_route_does(self):
        done = self.ask("type=HIGH_CLIENT_EXPOSURE", "severity=MEDIUM", "entity=A")
        self.assertEqual([" ".join(line.split()) for line in done.out.splitlines()], [
            "type=HIGH_CLIENT_EXPOSURE severity=MEDIUM entity_type=CLIENT entity=A rule=client_exposure event=open",
            "page no: severity=CRITICAL",
            "tests no: entity=~TEST.*",
            "clients takes it: ops, file",
            "clients/fast no: rule=velocity",
            "not ops: it is below severity/ops = HIGH",
            "told: file"])

    def test_says_the_same_for_programs(self):
        done = self.ask("type=HIGH_TRANSACTION_VELOCITY", "severity=HIGH", "entity=A", "--json")
        said = json.loads(done.out)
        self.assertEqual([(route["route"], route["answer"]) for route in said["routes"]], [
            ("page", "no_match"), ("tests", "no_match"), ("clients", "passed_on"), ("clients/fast", "decided")])
        self.assertEqual((said["told"], said["below_severity"], said["taken"]), (["file"], [], True))
        self.assertEqual(said["alert"]["rule"], "velocity")

    ESCALATING = ["--set", "route/all/receiver=file", "--set", "route/all/escalate_after=600",
                  "--set", "route/all/escalate_to=ops"]

    def test_an_event_that_ends_an_alert_escalates_to_nobody_and_one_that_raises_it_at_once(self):
        alert = ("type=HIGH_CLIENT_EXPOSURE", "severity=CRITICAL", "entity=A")
        files = ["--set", "file/path=/nowhere/alerts", "--set", "webhook/ops=https://ops.example", *self.ESCALATING]
        for event, route, told, after in (("open", "takes it: file; unless taken within 600 s, ops", ["file"], 600),
                                          ("escalate", "takes it: file; and, since it has grown, ops", ["ops", "file"], 0),
                                          ("resolve", "takes it: file", ["file"], None)):
            with self.subTest(event):
                done = run_tool("route", "test", *files, *alert, f"event={event}")
                self.assertIn(f"{route}\n", done.out)
                self.assertIn("told: " + ", ".join(told) + "\n", done.out)
                said = json.loads(run_tool("route", "test", *files, *alert, f"event={event}", "--json").out)
                self.assertEqual((said["told"], said["routes"][0].get("escalate_after")), (told, after))

    def test_the_group_is_that_of_the_moment_that_is_asked_about(self):
        sets = ["--set", "webhook/ops=https://ops.example", "--set", "route/night/receiver=ops",
                "--set", "route/night/hours=Mon-Sun 22:00-06:00", "--set", "route/night/group_by=entity",
                "--set", "route/day/receiver=ops", "--set", "route/day/group_by=type"]
        for at, group in (("Fri 23:30", "night{entity=nyse}"), ("Fri 12:00", "day{type=FEED_GAP}")):
            done = run_tool("route", "test", *sets, "type=FEED_GAP", "severity=HIGH", "entity=nyse", "--at", at)
            self.assertIn(f"in the group {group}, which waits", done.out)

    def test_what_nobody_takes_goes_to_all_and_nobody_is_exit_code_1(self):
        done = self.ask("type=FEED_GAP", "severity=HIGH", "entity=nyse")
        self.assertIn("no route takes it: everybody\ntold: ops, file\n", done.out)
        self.assertIn("told: nobody", self.ask("type=FEED_GAP", "severity=HIGH", "entity=TEST1", code=1).out)

    def test_without_receivers_it_says_so(self):
        done = run_tool("route", "test", "type=FEED_GAP", "severity=HIGH", "entity=nyse")
        self.assertEqual(done.code, 1, done)
        self.assertIn("no receiver is configured\ntold: nobody\n", done.out)

    def test_refuses_what_is_no_alert(self):
        for words, sentence in ((["severity=SEVERE"], "there are LOW|MEDIUM|HIGH|CRITICAL"), (["typ=x"], "give label=value"),
                                (["type=FEED_GAP"], "or --alert N"), (["entity=a", "entity=b"], "entity is given twice")):
            self.assertIn(sentence, self.ask(*words, code=2).err)
        self.ask("--alert", "1", "--data", "/nowhere/data", code=3)

    def test_a_replay_shows_what_was_sent_and_sends_nothing(self):
        with Webhook() as ops, Webhook() as all_of_them:
            extra = {"TAPEWARDEN_WEBHOOK__OPS": ops.url, "TAPEWARDEN_WEBHOOK__ALL": all_of_them.url,
                     "TAPEWARDEN_ROUTE__CLIENTS__MATCH": "entity_type=CLIENT event!=resolve",
                     "TAPEWARDEN_ROUTE__CLIENTS__RECEIVER": "ops", "TAPEWARDEN_SEVERITY__ALL": "CRITICAL"}
            with Daemon(extra=extra, sets={"exposure/remark": 0}) as daemon:
                publish(daemon, EXAMPLE)
                wait_until("four alerts", lambda: len(recorded(daemon)) == 4)
                wait_until("all deliveries", lambda: not listed("--data", daemon.data, "--state", "pending"))
                self.assertEqual(daemon.stop()[0], 0)
                sent = {(name, alert["n"]) for name, hook in (("ops", ops), ("all", all_of_them)) for alert in hook.got}
                self.assertEqual({number for name, number in sent if name == "all"}, {3})
                self.assertEqual({number for name, number in sent if name == "ops"}, {1, 2, 3, 4})
                requests = ops.requests + all_of_them.requests
                done = run_tool("replay", "--data", daemon.data, "--deliveries", "--json", extra=extra)
                *lines, last = [json.loads(line) for line in done.out.splitlines()]
                self.assertEqual({(line["receiver"], line["n"]) for line in lines}, sent)
                self.assertEqual((last["deliveries"], last["differs"]), ({"all": 1, "ops": 4}, False))
                text = run_tool("replay", "--data", daemon.data, "--deliveries", extra=extra)
                self.assertEqual(len(text.out.splitlines()), 5)
                self.assertIn(" CRITICAL HIGH_SYMBOL_EXPOSURE X", text.out)
                self.assertIn("to ops         4\n", text.err)
                short = run_tool("replay", "--data", daemon.data, "--deliveries", "--summary", extra=extra)
                self.assertEqual((short.out, short.code), ("", 0))
                self.assertEqual(ops.requests + all_of_them.requests, requests)
                self.assertEqual(run_tool("replay", "--data", daemon.data, "--deliveries", "--verify").code, 2)

    def test_hours_are_asked_by_the_alerts_time_in_the_sessions_zone(self):
        with Webhook() as ops, Webhook() as rest:
            sets = {"webhook/ops": ops.url, "webhook/rest": rest.url, "session/zone": "America/New_York",
                    "route/utc/hours": "Tue 00:00-01:00", "route/utc/receiver": "none",
                    "route/local/hours": "Mon 20:00-20:01", "route/local/receiver": "ops"}
            with Daemon(sets=sets) as daemon:
                publish(daemon, [trade(qty=20000)])     # 2013-10-08 00:00 UTC, a Tuesday
                ops.wait_numbers(1)
                wait_until("all deliveries", lambda: not listed("--data", daemon.data, "--state", "pending"))
                self.assertEqual(rest.got, [])
                self.assertEqual(daemon.stop()[0], 0)
                flags = [flag for key, value in sets.items() for flag in ("--set", f"{key}={value}")]
                done = run_tool("route", "test", "--data", daemon.data, "--alert", 1, *flags)
                self.assertIn("not now: Tue 00:00-01:00\n", done.out)
                self.assertTrue(done.out.endswith("told: ops\n"), done)
                words = ["type=LARGE_TRADE", "severity=HIGH", "entity=desk-7/0/1", *flags]
                self.assertIn("told: nobody", run_tool("route", "test", "--at", "Tue 00:59", *words).out)
                self.assertIn("told: ops, rest", run_tool("route", "test", "--at", "Tue 01:00", *words).out)
                self.assertEqual(run_tool("route", "test", "--at", "noon", *words).code, 2)
                replayed = run_tool("replay", "--data", daemon.data, "--deliveries", "--summary", "--json", *flags)
                self.assertEqual(json.loads(replayed.out)["deliveries"], {"ops": 1, "rest": 0})

    def test_takes_a_stored_alert_and_agrees_with_what_was_delivered(self):
        with Webhook() as ops:
            sets = {"webhook/ops": ops.url, "route/clients/match": "entity_type=CLIENT", "route/clients/receiver": "none",
                    "exposure/remark": 0}
            with Daemon(sets=sets) as daemon:
                publish(daemon, EXAMPLE)
                wait_until("four alerts", lambda: len(recorded(daemon)) == 4)
                ops.wait("what is no client's", lambda got: len(got) == 2)
                self.assertEqual(daemon.stop()[0], 0)
                flags = [flag for key, value in sets.items() for flag in ("--set", f"{key}={value}")]
                told = []
                for number in range(1, 5):
                    done = run_tool("route", "test", "--data", daemon.data, "--alert", number, "--json", *flags)
                    self.assertEqual(json.loads(done.out)["told"], ["ops"] if done.code == 0 else [])
                    told += [number] if done.code == 0 else []
                self.assertEqual(told, sorted(alert["n"] for alert in ops.got))
                done = run_tool("route", "test", "--data", daemon.data, "--alert", 5, *flags)
                self.assertEqual(done.code, 3)
                self.assertIn("there is no alert 5", done.err)


class Receivers(unittest.TestCase):
    def test_webhooks_get_each_alert_signed_with_every_key_over_verified_tls(self):
        with Scratch() as scratch:
            tls = certificate(scratch)
            keys = scratch.write("keys", f"{NEW_KEY} {OLD_KEY}\n")
            with Webhook(keys=[NEW_KEY, OLD_KEY], tls=tls) as ops:
                url = scratch.write("url", ops.url + "\n")
                sets = {"webhook_file/ops": url, "webhook_keys_file/ops": keys, "delivery/ca_file": tls[0],
                        "exposure/remark": 0}
                with Daemon(sets=sets) as daemon:
                    publish(daemon, EXAMPLE)
                    ops.wait_numbers(4)
                    self.assertEqual(sorted(ops.got, key=lambda alert: alert["n"]), [
                        {key: value for key, value in alert.items()} for alert in recorded(daemon)])
                    printed = run_tool("alerts", "--json", "--connect", daemon.doors["alerts"], "--connect-requests",
                                       daemon.doors["requests"])
                    self.assertEqual([json.loads(line) for line in printed.out.splitlines()],
                                     sorted(ops.got, key=lambda alert: alert["n"]))
                    self.assertEqual(ops.repeats, 0)
                    self.assertLessEqual(ops.connections, 4)    # they are used again
                    for secret in ("hidden", NEW_KEY, OLD_KEY):
                        self.assertNotIn(secret, daemon.said())

    def test_a_certificate_that_nobody_vouches_for_is_refused(self):
        with Scratch() as scratch, Webhook(tls=certificate(scratch)) as ops:
            with Daemon(extra={"TAPEWARDEN_WEBHOOK__OPS": ops.url}, sets={"delivery/breaker": 1}) as daemon:
                publish(daemon, [trade(qty=20000)])
                line = daemon.await_line("ops does not take alerts")
                self.assertIn("certificate", line)
                self.assertEqual(ops.requests, 0)

    def test_a_certificate_of_another_host_is_refused(self):
        """Somebody vouches for it, but not for who answers."""
        with Scratch() as scratch:
            tls = certificate(scratch, "elsewhere.example")
            with Webhook(tls=tls) as ops, Daemon(sets={"webhook/ops": ops.url, "delivery/breaker": 1, "delivery/ca_file": tls[0]}) as daemon:
                publish(daemon, [trade(qty=20000)])
                self.assertRegex(daemon.await_line("ops does not take alerts"), "host name.*localhost")
                self.assertEqual(ops.requests, 0)

    def test_severities_decide_who_gets_what(self):
        with Webhook() as all_of_them, Webhook() as critical:
            sets = {"webhook/all": all_of_them.url, "webhook/night": critical.url, "severity/night": "CRITICAL",
                    "exposure/remark": 0}
            with Daemon(sets=sets) as daemon:
                publish(daemon, EXAMPLE)
                all_of_them.wait_numbers(4)
                critical.wait("the critical one", lambda got: got)
                self.assertEqual([alert["severity"] for alert in critical.got], ["CRITICAL"])
                self.assertEqual(critical.numbers(), [3])

    def test_routes_decide_who_is_told(self):
        with Webhook() as page, Webhook() as desk, Webhook() as rest:
            hooks = {"page": page, "desk": desk, "rest": rest}
            sets = {f"webhook/{name}": hook.url for name, hook in hooks.items()} | {
                "route/page/match": "severity=CRITICAL", "route/page/receiver": "page",
                "route/clients/match": "entity_type=CLIENT entity=~[A-M].*", "route/clients/receiver": "desk",
                "route/ends/parent": "clients", "route/ends/match": "event=resolve", "route/ends/receiver": "none",
                "exposure/remark": 0}
            with Daemon(sets=sets) as daemon:
                publish(daemon, EXAMPLE)
                wait_until("four alerts", lambda: len(recorded(daemon)) == 4)
                alerts = recorded(daemon)
                wanted = {name: [] for name in hooks}
                for alert in alerts:
                    if alert["severity"] == "CRITICAL":
                        wanted["page"].append(alert["n"])
                    elif alert["entity_type"] != "CLIENT":      # no route takes it: everybody gets it
                        for numbers in wanted.values():
                            numbers.append(alert["n"])
                    elif alert["event"] != "resolve":
                        wanted["desk"].append(alert["n"])
                self.assertEqual(wanted, {"page": [1, 3], "desk": [1, 2], "rest": [1]})
                for name, hook in hooks.items():
                    hook.wait(name, lambda got, name=name: sorted(alert["n"] for alert in got) == wanted[name])
                states = {row["state"] for row in listed("--data", daemon.data)}
                self.assertEqual(states, {"delivered"})     # nothing else waits for anybody

    def test_slack_gets_blocks_within_its_limits_one_a_second(self):
        with Slack() as slack, Daemon(extra={"SLACK_WEBHOOK_URL": slack.url}, sets={"exposure/remark": 0}) as daemon:
            publish(daemon, [trade(account="<A&B>", qty=4000, price="300.00")])
            slack.wait("two messages", lambda got: len(got) == 2)
            text = json.dumps(slack.got)
            self.assertIn("&lt;A&amp;B&gt;", text)
            self.assertNotIn("<A", text)
            headers = {message["blocks"][0]["text"]["text"].split()[-1] for message in slack.got}
            self.assertEqual(headers, {"HIGH_CLIENT_EXPOSURE", "HIGH_SYMBOL_EXPOSURE"})

    def test_pagerduty_opens_an_incident_and_resolves_it(self):
        with Scratch() as scratch, PagerDuty() as pagerduty:
            key = scratch.write("key", "R0123456789\n")
            sets = {"pagerduty/routing_key_file": key, "pagerduty/url": pagerduty.url, "exposure/remark": 0}
            with Daemon(sets=sets) as daemon:
                publish(daemon, EXAMPLE)
                pagerduty.wait("four events", lambda got: len(got) == 4)
                alerts = recorded(daemon)
                for alert in alerts:
                    wanted = "resolved" if alert["entity"] == "A" else "triggered"
                    dedup = next(key for key in pagerduty.incidents if key.endswith(alert["id"]))
                    self.assertEqual(pagerduty.incidents[dedup], wanted)
                self.assertEqual(sorted(event["payload"]["custom_details"]["n"] for event in pagerduty.got), [1, 2, 3, 4])
                self.assertNotIn("R0123456789", daemon.said())

    def test_alertmanager_shows_what_is_open_and_silences_it(self):
        with Scratch() as scratch, Alertmanager(scratch) as manager:
            manager.silence("Y")
            with Daemon(extra={"TAPEWARDEN_ALERTMANAGER__URL": manager.url + "/"}, sets={"exposure/remark": 0}) as daemon:
                publish(daemon, EXAMPLE + [trade(symbol="Y", account=None, qty=20000, price=1)])
                wanted = {("HIGH_SYMBOL_EXPOSURE", "X", "CRITICAL"): "active",     # grown from HIGH, which has ended
                          ("LARGE_TRADE", "desk-7/0/4", "HIGH"): "active"}
                wait_until("what is open", lambda: manager.alerts() == wanted, seconds=20)
                publish_more = [trade(symbol="Y", account=None, qty=1, price=1), trade(symbol="Y", qty=600000, price=1)]
                with Publisher(daemon, "desk-8") as publisher:
                    publisher.publish(publish_more)
                wait_until("the silenced one", lambda: manager.alerts().get(
                    ("HIGH_SYMBOL_EXPOSURE", "Y", "HIGH")) == "suppressed", seconds=20)

    def test_sns_is_published_to_under_a_signature_that_botocore_makes_too(self):
        with Topic() as topic:
            extra = {"AWS_ACCESS_KEY_ID": Topic.ACCESS, "AWS_SECRET_ACCESS_KEY": Topic.SECRET,
                     "AWS_SESSION_TOKEN": Topic.TOKEN}
            arn = f"arn:aws:sns:{Topic.REGION}:123456789012:risk"
            with Daemon(extra=extra, sets={"sns/topic_arn": arn, "sns/url": topic.url, "exposure/remark": 0}) as daemon:
                publish(daemon, [trade(account="Müller ~*'(é)", qty=4000, price="300.00")])
                topic.wait("two messages", lambda got: len(got) == 2)
                got = sorted((json.loads(form["Message"]) for form in topic.got), key=lambda alert: alert["n"])
                self.assertEqual(got, recorded(daemon))
                self.assertEqual({form["TopicArn"] for form in topic.got}, {arn})
                for secret in (Topic.SECRET, Topic.TOKEN):
                    self.assertNotIn(secret, daemon.said())

    def test_sns_is_tried_again_when_its_key_is_throttled(self):
        with Topic() as topic:
            topic.status, topic.answer = 400, (
                b'<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">\n  <Error>\n    <Type>Sender</Type>\n'
                b'    <Code>KMSThrottling</Code>\n    <Message>Rate exceeded</Message>\n  </Error>\n</ErrorResponse>\n')
            extra = {"AWS_ACCESS_KEY_ID": Topic.ACCESS, "AWS_SECRET_ACCESS_KEY": Topic.SECRET,
                     "AWS_SESSION_TOKEN": Topic.TOKEN}
            sets = {"sns/topic_arn": f"arn:aws:sns:{Topic.REGION}:123456789012:risk", "sns/url": topic.url,
                    "exposure/remark": 0, "delivery/retry_first": 1}
            with Daemon(extra=extra, sets=sets) as daemon:
                publish(daemon, [trade(qty=20000, account=None, side=None)])
                topic.wait("an attempt", lambda got: len(got) == 1)
                topic.status, topic.answer = Topic.status, Topic.answer
                topic.wait("another", lambda got: len(got) == 2)
                wait_until("what came of it", lambda: [(row["state"], row["status"]) for row in listed(
                    "--data", daemon.data)] == [("again", 400), ("delivered", 200)])

    def test_mail_over_starttls_with_a_login_in_threads(self):
        with Scratch() as scratch:
            tls = certificate(scratch)
            with MailServer(tls) as server:
                extra = {"ALERT_EMAIL_FROM": "tapewarden@example.com", "SMTP_SERVER": "localhost",
                         "ALERT_EMAIL_TO": "risk@example.com, nobody@example.com,night@example.com",
                         "SMTP_PORT": str(server.port), "SMTP_USERNAME": "tapewarden", "SMTP_PASSWORD": "hunter2",
                         "TAPEWARDEN_DELIVERY__CA_FILE": tls[0]}
                with Daemon(extra=extra, sets={"exposure/remark": 0}) as daemon:
                    publish(daemon, [trade(account="Müller <&>", qty=4000, price="150.00"),
                                     trade(account="Müller <&>", qty=3000, price="150.00"),
                                     trade(account="Müller <&>", side="S", qty=1000, price="150.00")])
                    server.wait("four mails", lambda got: len(got) == 4, seconds=30)
                    self.check_mails(server.got, recorded(daemon))
                    self.assertNotIn("hunter2", daemon.said())
                    self.assertEqual(daemon.stop()[0], 0)
                    attempts = [row for row in listed("--data", daemon.data) if row["state"] == "delivered"]
                    self.assertEqual({row["status"] for row in attempts}, {250})
                    self.assertIn("no such mailbox", attempts[0]["answer"])

    def check_mails(self, mails, alerts):
        names, by_number = {}, {}
        for sender, recipients, raw in mails:
            self.assertEqual((sender, recipients), ("tapewarden@example.com", ["risk@example.com", "night@example.com"]))
            self.assertNotIn(b"\n", raw.replace(b"\r\n", b""))
            self.assertTrue(all(len(line) <= 998 and line.isascii() for line in raw.split(b"\r\n")))
            mail = email.message_from_bytes(raw, policy=email.policy.default)
            self.assertEqual(mail.get_content_type(), "multipart/alternative")
            by_number[int(mail["X-Tapewarden-Key"].split("-")[1])] = mail
            names[mail["Message-ID"]] = mail
        self.assertEqual(len(names), 4)
        for alert in alerts:
            mail = by_number[alert["n"]]
            self.assertTrue(mail["Subject"].endswith(f"{alert['severity']}: {alert['message']}"), mail["Subject"])
            plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
            self.assertIn(alert["message"], plain)
            self.assertIn(alert["id"], plain)
            self.assertIn(alert["message"].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), html)
            if alert["event"] == "open":
                self.assertIsNone(mail["In-Reply-To"])
            else:
                first = names[mail["In-Reply-To"]]
                self.assertEqual(first["X-Tapewarden-Key"].split("-")[1],
                                 str(next(a["n"] for a in alerts if a["id"] == alert["id"])))
                self.assertEqual(mail["References"], mail["In-Reply-To"])
            self.assertIsNotNone(email.utils.parsedate_to_datetime(mail["Date"]))

    def test_a_system_log_gets_messages_as_rfc_5424_has_them(self):
        with Scratch() as scratch, SystemLog(scratch.path("log")) as local, SystemLog() as remote, SystemLogOverTcp() as stream:
            for log, address in ((local, scratch.path("log")), (remote, f"udp:127.0.0.1:{remote.port}"),
                                 (stream, f"tcp:127.0.0.1:{stream.port}")):
                with self.subTest(address=address), \
                        Daemon(sets={"syslog/address": address, "syslog/facility": "local3", "exposure/remark": 0}) as daemon:
                    publish(daemon, [trade(account='x"]\\ü', qty=4000, price="150.00"),
                                     trade(account='x"]\\ü', qty=3000, price="150.00"),
                                     trade(account='x"]\\ü', side="S", qty=3000, price="150.00")])
                    alerts = wait_until("alerts", lambda: recorded(daemon))
                    log.wait("all of them", lambda got: len(got) == len(alerts))
                    for alert, (level, data, text) in zip(alerts, log.got):
                        over = alert["event"] in ("resolve", "retract")
                        self.assertEqual(level, 6 if over else {"CRITICAL": 2, "HIGH": 3, "MEDIUM": 4}[alert["severity"]])
                        self.assertEqual(data["key"].split("-")[1], str(alert["n"]))
                        self.assertEqual({key: data[key] for key in ("id", "event", "severity", "entity_type", "entity")},
                                         {key: alert[key] for key in ("id", "event", "severity", "entity_type", "entity")})
                        self.assertIn(alert["message"], text)
                    self.assertEqual(log.faults, [])

    def test_a_system_log_that_hangs_up_is_called_again(self):
        with SystemLogOverTcp() as log:
            sets = {"syslog/address": f"tcp:127.0.0.1:{log.port}", "delivery/retry_first": 1, "delivery/retry_max": 1}
            with Daemon(sets=sets) as daemon:
                for count in range(1, 4):
                    with Publisher(daemon, f"desk-{count}") as publisher:
                        publisher.publish([trade(qty=20000, account=None)])
                    log.wait("one more", lambda got, wanted=count: len(got) == wanted)
                    log.hang_up()
            self.assertEqual(log.faults, [])

    def test_a_system_log_that_is_not_there_yet_is_tried_again(self):
        with Scratch() as scratch:
            path = scratch.path("log")
            with Daemon(sets={"syslog/address": path, "delivery/retry_first": 1, "delivery/retry_max": 1}) as daemon:
                publish(daemon, [trade(qty=20000, account=None)])
                wait_until("an attempt", lambda: any(row["state"] == "again" and "No such file" in row["answer"]
                                                     for row in listed("--data", daemon.data)))
                with SystemLog(path) as log:
                    log.wait("it", lambda got: len(got) == 1)
                    self.assertEqual(log.faults, [])
        for address, sentence in (("udp:logs.example:514", "takes an address, not a name"), ("tcp:192.0.2.7", "tcp:ADDRESS:PORT"),
                                  ("tcp:logs.example:601", "takes an address, not a name")):
            done = run_tool("config", "check", "--set", f"syslog/address={address}")
            self.assertEqual(done.code, 2)
            self.assertIn(sentence, done.err)

    def test_a_file_of_lines_is_rotated_by_size(self):
        with Scratch() as scratch:
            path = scratch.path("alerts.jsonl")
            scratch.write("alerts.jsonl", '{"half a li')
            sets = {"file/path": path, "file/rotate": 8192, "file/kept": 3}
            with Daemon(sets=sets) as daemon:
                publish(daemon, [trade(qty=20000, account=None, symbol=f"S{i}") for i in range(60)])
                alerts = wait_until("the last line", lambda: self.lines(path, 60), seconds=20)
                self.assertEqual(alerts, recorded(daemon)[-len(alerts):])
                self.assertTrue(os.path.exists(path + ".3"))
                self.assertFalse(os.path.exists(path + ".4"))
                for name in (path, path + ".1", path + ".2"):
                    self.assertLessEqual(os.path.getsize(name), 8192)

    @staticmethod
    def lines(path, last):
        """The alerts in a file and those renamed, oldest first, once number `last` is there; before, files may be renamed
        while they are read."""
        def rows(name):
            if not os.path.exists(name):
                return []
            with open(name, encoding="utf-8") as file:
                return [json.loads(line) for line in file if line.startswith('{"key"') and line.endswith("\n")]
        newest = rows(path)
        if not newest or newest[-1]["n"] != last:
            return None
        alerts = [row for name in (path + ".3", path + ".2", path + ".1", path) for row in rows(name)]
        for alert in alerts:
            assert alert.pop("key").endswith(f"-{alert['n']}")
        return alerts

    def test_a_program_reads_an_alert_and_its_exit_code_counts(self):
        with Scratch() as scratch:
            program = scratch.write("page", f"""#!/bin/sh
set -eu
test -z "${{SMTP_PASSWORD:-}}"
read -r line
printf '%s\\n' "$line" >>"{scratch.path('pages')}"
printf '%s\\n' "$1" "$2" >>"{scratch.path('words')}"
if ! mkdir "{scratch.path('once')}" 2>/dev/null; then exit 0; fi
echo "not now"; exit 75
""")
            os.chmod(program, stat.S_IRWXU)
            with Daemon(extra={"SMTP_PASSWORD": "hunter2"}, sets={"command/argv": f"{program} --team  risk"}) as daemon:
                publish(daemon, [trade(qty=20000, account=None), trade(qty=30000, account=None, symbol="Y")])
                wait_until("two pages, one of them twice", lambda: sorted(self.pages(scratch)) == [1, 1, 2], seconds=20)
                wait_until("all delivered", lambda: not listed("--data", daemon.data, "--state", "pending"))
                self.assertEqual(daemon.stop()[0], 0)
                rows = listed("--data", daemon.data, "--receiver", "command")
                self.assertEqual([(row["n"], row["state"], row["status"]) for row in rows if row["n"] == 1],
                                 [(1, "again", 75), (1, "delivered", 0)])
                self.assertIn("not now", next(row["answer"] for row in rows if row["status"] == 75))
                with open(scratch.path("words"), encoding="utf-8") as file:
                    self.assertEqual(set(file.read().split()), {"--team", "risk"})

    @staticmethod
    def pages(scratch):
        try:
            with open(scratch.path("pages"), encoding="utf-8") as file:
                return [json.loads(line)["n"] for line in file.read().splitlines()]
        except FileNotFoundError:
            return []

    def test_a_program_that_a_signal_ends_says_which(self):
        with Scratch() as scratch:
            program = scratch.write("fall", f"#!/bin/sh\nmkdir {scratch.path('once')} 2>/dev/null && kill -SEGV $$\n"
                                            f"cat >>{scratch.path('pages')}\n")
            os.chmod(program, stat.S_IRWXU)
            with Daemon(sets={"command/argv": program}) as daemon:
                publish(daemon, [trade(qty=20000)])
                wait_until("the page", lambda: self.pages(scratch) == [1], seconds=20)
                wait_until("both attempts", lambda: len(listed("--data", daemon.data)) == 2)
                first = listed("--data", daemon.data)[0]
                self.assertEqual((first["state"], first["answer"]), ("again", "ended by signal 11 (Segmentation fault)"))

    def test_a_program_that_hangs_is_killed_and_tried_again(self):
        with Scratch() as scratch:
            program = scratch.write("hang", f"#!/bin/sh\nmkdir {scratch.path('once')} 2>/dev/null && sleep 1000\n"
                                            f"cat >>{scratch.path('pages')}\n")
            os.chmod(program, stat.S_IRWXU)
            with Daemon(sets={"command/argv": program, "command/timeout": 1}) as daemon:
                publish(daemon, [trade(qty=20000)])
                wait_until("the page", lambda: self.pages(scratch) == [1], seconds=20)


class Ledger(unittest.TestCase):
    def test_what_a_receiver_refuses_is_a_dead_letter_and_can_be_retried(self):
        with Webhook(mode="refusing") as ops:
            sets = {"webhook/ops": ops.url}
            with Daemon(sets=sets) as daemon:
                publish(daemon, [trade(qty=20000, symbol=f"S{i}", account=None) for i in range(3)])
                daemon.await_line("alert 3 is a dead letter of ops: status=400")
                running = listed("--data", daemon.data, "--state", "dead")
                self.assertEqual([row["id"] for row in running], ["ops/1", "ops/2", "ops/3"])
                self.assertEqual(daemon.stop()[0], 0)
                dead = listed("--data", daemon.data, "--state", "dead", "--receiver", "ops")
                self.assertEqual(dead, running)
                self.assertEqual({(row["reason"], row["attempts"]) for row in dead}, {("rejected", 1)})
                self.assertEqual(dead[0]["answer"], "no, thank you not today")
                done = run_tool("deliveries", "retry", "ops/2", "--data", daemon.data)
                self.assertEqual((done.code, done.out), (0, "1 dead letter is pending again\n"), done)
                self.assertEqual([row["id"] for row in listed("--data", daemon.data, "--state", "pending")], ["ops/2"])
                self.assertEqual(run_tool("store", "verify", "--data", daemon.data).code, 0)
                ops.mode = "ok"
                daemon.restart()
                ops.wait("number 2", lambda got: ops.numbers() == [2])
                done = run_tool("deliveries", "retry", "--receiver", "ops", "--data", daemon.data)   # it runs
                self.assertEqual((done.code, done.out), (0, "2 dead letters are pending again\n"), done)
                ops.wait_numbers(3)
                self.assertEqual(daemon.stop()[0], 0)
                self.assertEqual(listed("--data", daemon.data, "--state", "dead"), [])
                done = run_tool("deliveries", "retry", "ops/2", "--data", daemon.data)
                self.assertEqual(done.code, 1, done)

    def test_what_cannot_be_delivered_in_time_is_a_dead_letter(self):
        with Webhook(mode="down") as ops:
            with Daemon(sets={"webhook/ops": ops.url, "delivery/deadline": 2}) as daemon:
                publish(daemon, [trade(qty=20000)])
                daemon.await_line("alert 1 is a dead letter of ops", seconds=20)
                self.assertEqual(daemon.stop()[0], 0)
                rows = listed("--data", daemon.data)
                dead = [row for row in rows if row["state"] == "dead"]
                self.assertEqual([(row["id"], row["reason"]) for row in dead], [("ops/1", "deadline")])
                tries = [row for row in rows if row["state"] == "again"]
                self.assertGreaterEqual(len(tries), 1)
                self.assertIn("connect", tries[0]["answer"].lower())
                self.assertEqual(tries[0]["status"], 0)

    def test_the_ledger_says_how_each_attempt_went(self):
        with Webhook(mode="broken") as ops:
            with Daemon(sets={"webhook/ops": ops.url}) as daemon:
                publish(daemon, [trade(qty=20000)])
                wait_until("two attempts", lambda: ops.requests >= 2, seconds=20)
                ops.mode = "ok"
                ops.wait_numbers(1)
                self.assertEqual(daemon.stop()[0], 0)
                rows = listed("--data", daemon.data, "--receiver", "ops")
                self.assertEqual([row["state"] for row in rows], ["again"] * (len(rows) - 1) + ["delivered"])
                self.assertEqual([row["status"] for row in rows], [500] * (len(rows) - 1) + [204])
                self.assertEqual([row["attempt"] for row in rows], list(range(1, len(rows) + 1)))
                self.assertTrue(all(row["latency_us"] > 0 and row["id"] == "ops/1" for row in rows))
                text = run_tool("deliveries", "list", "--data", daemon.data).out
                self.assertIn("delivered", text)
                self.assertNotIn("hidden", text)

    def test_alerts_that_a_crash_kept_from_the_store_are_delivered_after_the_start(self):
        """Their records are durable, the alerts are derived again, with their deliveries."""
        with Webhook() as ops, Daemon(sets={"webhook/ops": ops.url}) as daemon, Subscriber(daemon) as subscriber, \
                Publisher(daemon, "desk-7") as publisher:
            subscriber.joined()
            publisher.publish([trade(qty=20000, symbol=f"S{i}", account=None, ts=DAY_NS + i * SECOND_NS)
                               for i in range(200)])
            daemon.kill()
            daemon.restart()
            ops.wait_numbers(200)

    def test_deliveries_to_a_receiver_that_is_gone_wait_for_it(self):
        with Webhook() as ops, Webhook(mode="down") as other:
            sets = {"webhook/ops": ops.url, "webhook/other": other.url}
            with Daemon(sets=sets) as daemon:
                publish(daemon, [trade(qty=20000)])
                ops.wait_numbers(1)
                self.assertEqual(daemon.stop()[0], 0)
                del daemon.sets["webhook/other"]
                daemon.restart()
                daemon.await_line("1 deliveries wait for other, which is not configured")
                self.assertEqual(daemon.stop()[0], 0)
                daemon.sets = sets
                other.up()
                daemon.restart()
                other.wait_numbers(1)


if __name__ == "__main__":
    unittest.main()
