# SPDX-License-Identifier: MIT
"""What a subscriber sees: alerts, topics, heads, catch-up, and that all of them say the same."""

import hashlib
import time
import unittest

from harness import Catchup, Daemon, Publisher, Subscriber, trade, wait_until
from harness.verdict import NO_DIGEST, differences, digest_value, judge_rows

ALERT_KEYS = ["n", "id", "event", "type", "severity", "entity_type", "entity", "message", "threshold", "value", "unit",
              "features", "rule", "rule_version", "config", "model", "seq", "ts", "trades", "trade_count", "detected_at"]
EXAMPLE = [trade(qty=4000, price="150.00", id="x-1"), trade(qty=3000, price="150.00", id="x-2"),
           trade(side="S", qty=1000, price="150.00")]


def chain(lines):
    digest = bytes(32)
    for line in lines:
        digest = hashlib.sha256(digest + line.encode() + b"\n").digest()
    return digest.hex()


def digest_line(alert):
    return (f"{alert['n']} {alert['event']} {alert['type']} {alert['severity']} {alert['entity']} {alert['seq']} "
            f"{digest_value(alert)}")


class Alerts(unittest.TestCase):
    def test_the_worked_example_of_the_rules_live(self):
        with Daemon(sets={"exposure/remark": 0}) as daemon, Subscriber(daemon) as subscriber, \
                Publisher(daemon, "desk-7") as publisher:
            head = subscriber.joined()
            self.assertEqual(list(head), ["v", "last", "durable", "digest", "record_digest", "counts"])
            self.assertEqual((head["last"], head["durable"], head["digest"], head["counts"]), (0, 0, NO_DIGEST, {}))
            before = time.time_ns()
            publisher.publish(EXAMPLE)
            heard = subscriber.wait_alerts(4)
            alerts = [alert for _, alert, _ in heard]
            self.assertEqual([digest_line(alert) for alert in alerts], [
                "1 open HIGH_SYMBOL_EXPOSURE HIGH X 1 60000000000000",
                "2 open HIGH_CLIENT_EXPOSURE HIGH A 2 105000000000000",
                "3 escalate HIGH_SYMBOL_EXPOSURE CRITICAL X 2 105000000000000",
                "4 resolve HIGH_CLIENT_EXPOSURE HIGH A 3 90000000000000"])
            for topic, alert, raw in heard:
                self.assertEqual(topic, f"alert.{alert['severity']}.{alert['type']}.{alert['entity']}")
                self.assertEqual(list(alert), ALERT_KEYS)
                self.assertEqual(alert["id"], self.opening_id(alert))
                self.assertTrue(before <= alert["detected_at"] <= time.time_ns())
                self.assertEqual(raw[-9:-8], b"\xcf")
                self.assertIn(alert["entity"], alert["message"])
            opened = alerts[1]
            self.assertEqual((opened["threshold"], opened["value"], opened["unit"]), ("1000000", "1050000", "USD"))
            self.assertEqual(opened["trades"], [{"seq": 1, "pub": "desk-7", "pseq": 1, "id": "x-1"},
                                                {"seq": 2, "pub": "desk-7", "pseq": 2, "id": "x-2"}])
            self.assertEqual((alerts[2]["threshold"], opened["rule"], opened["model"]), ("750000", "client_exposure", None))
            head = subscriber.wait_head("four events", lambda head: head["last"] == 4)
            self.assertEqual(head["digest"], "00e9e0b3f23ccb119989da88fef2afbd65c10526995fdc8fc222ac593bb2bc07")
            self.assertEqual(head["durable"], 3)
            self.assertEqual(head["counts"], {"HIGH_CLIENT_EXPOSURE": {"HIGH": 2},
                                              "HIGH_SYMBOL_EXPOSURE": {"HIGH": 1, "CRITICAL": 1}})
            record = bytes(32)
            for _, _, raw in heard:
                record = hashlib.sha256(record + raw[:-21]).digest()
            self.assertEqual(head["record_digest"], record.hex())
            events, summary = judge_rows([dict(row, pub="desk-7") for row in EXAMPLE], {"exposure/remark": "0"})
            self.assertEqual(differences(alerts, events), [])
            self.assertEqual(summary["digest"], head["digest"])

    def opening_id(self, alert):
        opening = {"HIGH_SYMBOL_EXPOSURE": 1, "HIGH_CLIENT_EXPOSURE": 2}[alert["type"]]
        content = b"".join(part.encode() + b"\0" for part in (alert["type"], alert["entity_type"], alert["entity"], "desk-7"))
        return hashlib.sha256(content + bytes(8) + opening.to_bytes(8, "big")).hexdigest()[:32]

    def test_a_head_comes_each_second(self):
        with Daemon() as daemon, Subscriber(daemon, "head.") as subscriber:
            subscriber.joined()
            times = []
            for _ in range(4):
                subscriber.wait_head("the next", lambda head: True, seconds=3)
                times.append(time.monotonic())
            for earlier, later in zip(times, times[1:]):
                self.assertGreater(later - earlier, 0.4)

    def test_subscriptions_select_by_severity_and_type(self):
        with Daemon(sets={"exposure/remark": 0}) as daemon, Publisher(daemon, "desk-7") as publisher, \
                Subscriber(daemon, "alert.CRITICAL.", "head.") as critical, \
                Subscriber(daemon, "alert.HIGH.HIGH_CLIENT_EXPOSURE.A", "head.") as one:
            critical.joined()
            one.joined()
            publisher.publish(EXAMPLE)
            self.assertEqual([a["n"] for _, a, _ in critical.wait_alerts(1)], [3])
            self.assertEqual([a["n"] for _, a, _ in one.wait_alerts(2)], [2, 4])

    def test_nothing_leaves_before_it_is_durable(self):
        """Every alert that a subscriber saw is still there, the same, after kill -9 at that very moment."""
        with Daemon() as daemon, Subscriber(daemon) as subscriber, Publisher(daemon, "desk-7") as publisher:
            subscriber.joined()
            publisher.hello()
            publisher.send([trade(qty=20000 + i, symbol=f"S{i}", account=None) for i in range(2000)])
            seen = {alert["n"]: raw for _, alert, raw in subscriber.wait_alerts(20)}
            daemon.kill()
            daemon.restart()
            with Catchup(daemon) as catchup:
                stored = {alert["n"]: raw for alert, raw in catchup.everything()}
            for n, raw in seen.items():
                self.assertEqual(stored.get(n), raw)

    # --- catch-up

    def burst(self, daemon, count=250):
        """LARGE_TRADE alerts, and CRITICAL symbol exposures beside them."""
        with Publisher(daemon, "desk-7") as publisher, Subscriber(daemon) as subscriber:
            publisher.publish([trade(qty=20000, price=100, symbol=f"S{i}", account=None) for i in range(count // 2)] +
                              [trade(qty=8000, price=100, symbol=f"T{i}", account=f"A{i}") for i in range(count // 2)])
            return subscriber.wait_head("all judged", lambda head: head["durable"] == count // 2 * 2)

    def test_catch_up_pages_through_everything_in_order(self):
        with Daemon() as daemon, Subscriber(daemon, "alert.", "head.") as live:
            live.joined()
            head = self.burst(daemon)
            published = [(alert, raw) for _, alert, raw in live.wait_alerts(head["last"])]
            with Catchup(daemon, "somebody_else-1") as catchup:
                self.assertEqual(catchup.everything(limit=37), published)
                page, end = catchup.ask("alerts", after=10, limit=5)
                self.assertEqual([a["n"] for a, _ in page], [11, 12, 13, 14, 15])
                self.assertEqual(end, {"end": 10, "last": 15, "more": True})
                page, end = catchup.ask("alerts", after=head["last"])
                self.assertEqual((page, end), ([], {"end": head["last"], "last": head["last"], "more": False}))
                page, end = catchup.ask("alerts", after=head["last"] + 1000)
                self.assertEqual((page, end["more"]), ([], False))
            self.assertEqual(chain(digest_line(alert) for alert, _ in published), head["digest"])

    def test_catch_up_filters(self):
        with Daemon() as daemon:
            head = self.burst(daemon)
            with Catchup(daemon) as catchup:
                everything = [a for a, _ in catchup.everything()]
                for kind, severity in ((None, "CRITICAL"), ("LARGE_TRADE", None), ("HIGH_SYMBOL_EXPOSURE", "HIGH"),
                                       ("HIGH_SYMBOL_EXPOSURE", "CRITICAL"), ("ANOMALY_DETECTED", "LOW")):
                    wanted = [a for a in everything if kind in (None, a["type"]) and severity in (None, a["severity"])]
                    got = [a for a, _ in catchup.everything(limit=20, type=kind, severity=severity)]
                    self.assertEqual(got, wanted, (kind, severity))
                counts = {}
                for alert in everything:
                    by_severity = counts.setdefault(alert["type"], {})
                    by_severity[alert["severity"]] = by_severity.get(alert["severity"], 0) + 1
                self.assertEqual(head["counts"], counts)

    def test_wrong_requests_are_answered_where_possible_and_harm_nobody(self):
        with Daemon() as daemon, Catchup(daemon) as catchup:
            for wrong in ({"severity": "DREADFUL"}, {"limit": 0}, {"colour": 1}, {"type": 5}, {"after": -1}):
                with self.subTest(wrong):
                    catchup.push.send(_request(catchup.topic, **wrong))
                    self.assert_error(catchup)
            for garbage in (b"", b"\xc1", b"\xdd\x05\xf5\xe1\x00", _request("alert.HIGH.x"), _request("replay.a b."),
                            _request("replay."), _request("replay.x"), _request("replay." + "x" * 65 + "."), _request(None)):
                catchup.push.send(garbage)
            # Errors may still be under way, so what is asked for now begins elsewhere.
            self.assertEqual(catchup.ask("alerts", after=7)[1], {"end": 7, "last": 7, "more": False})
            self.assertEqual(catchup.ask("actions", after=8), ([], {"end": 8, "last": 8, "more": False}))
            self.assertTrue(daemon.alive())

    def assert_error(self, catchup):
        def heard():
            if catchup.subscriber.socket.poll(0):
                _, answer, _ = catchup.subscriber.hear(_NEVER)
                return answer
            catchup.push.send(_request(catchup.topic, severity="DREADFUL"))     # the subscription may be young
            return None
        answer = wait_until("an end with an error", heard, pause=0.3)
        self.assertIn("error", answer)
        self.assertFalse(answer["more"])

    # --- the market is quiet

    def test_episodes_end_by_the_idle_clock_while_the_market_is_quiet(self):
        with Daemon(sets={"rules/velocity/window": 2, "rules/velocity/threshold": 3}) as daemon, \
                Subscriber(daemon) as subscriber, Publisher(daemon, "desk-7") as publisher:
            subscriber.joined()
            publisher.publish([trade(ts=None) for _ in range(5)])
            opened, resolved = [alert for _, alert, _ in subscriber.wait_alerts(2, seconds=20)]
            self.assertEqual((opened["event"], opened["value"], resolved["event"]), ("open", 4, "resolve"))
            self.assertEqual((resolved["id"], resolved["seq"]), (opened["id"], 5))
            self.assertEqual(resolved["ts"] % 10**9, 0)
            daemon.kill()
            daemon.restart()
            with Catchup(daemon) as catchup:    # the clock records are part of the log: the same again
                again = [alert for alert, _ in catchup.everything()]
            self.assertEqual(again[:2], [opened, resolved])

    def test_a_historical_feed_never_makes_the_clock_run(self):
        with Daemon(sets={"rules/velocity/window": 2, "rules/velocity/threshold": 3}) as daemon, \
                Subscriber(daemon) as subscriber, Publisher(daemon, "desk-7") as publisher:
            subscriber.joined()
            publisher.publish([trade() for _ in range(5)])
            subscriber.wait_alerts(1)
            for _ in range(5):      # five seconds later still nothing resolved
                head = subscriber.wait_head("the next", lambda head: True)
            self.assertEqual(head["last"], 1)

    # --- numbers

    def test_exposure_beyond_128_bits_counts_as_the_most(self):
        rows = [trade(qty="92233720368.54775807", price="0.00000001", account=f"A{i % 2}", pub="desk-7") for i in range(12)]
        rows += [trade(qty="0.00000001", price="92233720368.54775807", account="A0", pub="desk-7"),
                 trade(qty="0.00000001", price="92233720368.54775807", account="A1", side="S", pub="desk-7")]
        sent = [{key: value for key, value in row.items() if key != "pub"} for row in rows]
        with Daemon() as daemon, Subscriber(daemon) as subscriber, Publisher(daemon, "desk-7") as publisher:
            publisher.publish(sent)
            head = subscriber.wait_head("all judged", lambda head: head["durable"] == len(rows))
            with Catchup(daemon) as catchup:
                alerts = [alert for alert, _ in catchup.everything()]
        events, summary = judge_rows(rows)
        self.assertEqual(differences(alerts, events), [])
        self.assertEqual(head["digest"], summary["digest"])

    def test_thresholds_of_one_name(self):
        sets = {"rules/client_exposure/threshold@BIG": 2000000, "rules/large_trade/threshold@X": 5}
        with Daemon(sets=sets | {"exposure/remark": 0}) as daemon, Subscriber(daemon) as subscriber, \
                Publisher(daemon, "desk-7") as publisher:
            publisher.publish([trade(account="BIG", qty=1100, price=1000, symbol="Y"),
                               trade(account="SMALL", qty=1100, price=1000, symbol="Z"), trade(qty=6, symbol="X")])
            subscriber.wait_head("all judged", lambda head: head["durable"] == 3)
            with Catchup(daemon) as catchup:
                alerts = [(a["type"], a["entity"]) for a, _ in catchup.everything() if a["type"] != "HIGH_SYMBOL_EXPOSURE"]
        self.assertEqual(alerts, [("HIGH_CLIENT_EXPOSURE", "SMALL"), ("LARGE_TRADE", "desk-7/0/3")])


class _Never:
    """A deadline for what is there already."""

    @staticmethod
    def left_ms():
        return 1000

    @staticmethod
    def left():
        return 1


_NEVER = _Never()


def _request(topic, **more):
    from harness import pack
    return pack({"v": 1, "get": "alerts", "after": 0, "limit": 10} | ({"topic": topic} if topic else {}) | more)


if __name__ == "__main__":
    unittest.main()
