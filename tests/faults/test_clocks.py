# SPDX-License-Identifier: MIT
"""Clocks: the machine's is set, daylight saving begins and ends at the session roll, trades come late by hours, settings
change between a crash and the restart. What happens is defined (README.md here), and the independent judge, the running
daemon, its recovery and a replay agree on every event.
"""

import os
import random
import struct
import tempfile
import time
import unittest
from datetime import datetime, timezone

import place    # noqa: F401

from harness import Catchup, Daemon, Publisher, Subscriber, run_tool, trade, wait_until
from harness.sinks import Webhook
from harness.verdict import as_submitted, differences, exported, judge_rows
from harness.wire import Columns

SHIM = os.environ.get("TW_CLOCK_SHIM", "")
SEED = int(os.environ.get("TW_TEST_SEED", "1"))
SECOND = 1_000_000_000
HOUR = 3600 * SECOND
TURNOVER = {"exposure/measure": "turnover"}


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()) * SECOND


class Judged(unittest.TestCase):
    def settle(self, daemon, count):
        """(alerts, head) once so many trades are judged."""
        with Subscriber(daemon) as subscriber, Catchup(daemon) as catchup:
            head = subscriber.wait_head(f"{count} judged", lambda head: head["durable"] == count, seconds=30)
            return [alert for alert, _ in catchup.everything()], head

    def kill_and_compare(self, daemon, count):
        """After kill -9 the same alerts stand there, byte for byte by their digest."""
        alerts, head = self.settle(daemon, count)
        daemon.kill()
        daemon.restart()
        again, head_again = self.settle(daemon, count)
        self.assertEqual(alerts, again)
        self.assertEqual((head["digest"], head["record_digest"]), (head_again["digest"], head_again["record_digest"]))

    def agree(self, daemon, count, controls=(), sets=None):
        """Daemon, replay and judge on everything so far. controls: (trades before it, settings that changed there)."""
        alerts, head = self.settle(daemon, count)
        self.assertEqual(daemon.stop()[0], 0)
        replayed = run_tool("replay", "--data", daemon.data, seconds=60)
        self.assertEqual(replayed.code, 0, replayed)
        self.assertIn(head["digest"], replayed.out + replayed.err)
        rows = [as_submitted(row) for row in exported(daemon.data)]
        for before, changed in reversed(controls):
            rows.insert(before, {"control": "settings", "set": changed})
        events, summary = judge_rows(rows, sets)
        self.assertEqual(differences(alerts, events), [])
        self.assertEqual((head["last"], head["digest"]), (summary["count"], summary["digest"]))
        return events


class Daylight(Judged):
    BERLIN, NEW_YORK = ("00:00", "02:30"), ("01:30", "02:30")   # skipped in spring or twice in autumn, or beside it
    CHANGES = (("Europe/Berlin", "2024-03-31T01:00", BERLIN), ("Europe/Berlin", "2024-10-27T01:00", BERLIN),
               ("America/New_York", "2024-03-10T07:00", NEW_YORK), ("America/New_York", "2024-11-03T06:00", NEW_YORK))

    def tape(self, change, step):
        """Two days around the change; each trade is 40,000 of A in X, so that thresholds are crossed every day."""
        begin = at(change) - 30 * HOUR
        return [trade(symbol="X", account="A", side="BS"[i % 2], qty=400, price=100, ts=begin + i * step)
                for i in range(60 * HOUR // step)]

    def test_days_of_23_and_25_hours_roll_once_at_their_time(self):
        """The time of the roll is skipped, comes twice, or lies beside the change."""
        for zone, change, rolls in self.CHANGES:
            for roll in rolls:
                with self.subTest(zone=zone, change=change, roll=roll):
                    sets = TURNOVER | {"session/zone": zone, "session/roll": roll}
                    trades = self.tape(change, 10 * 60 * SECOND)
                    half = len(trades) // 2
                    with Daemon(sets=sets | {"pipeline/shards": 1}) as daemon, Publisher(daemon, "desk") as desk:
                        desk.publish(trades[:half])
                        daemon.kill()
                        daemon.sets["pipeline/shards"] = 3
                        daemon.restart()
                        desk.hello()
                        desk.publish(trades[half:])
                        events = self.agree(daemon, len(trades), sets=sets)
                    resolved = [event for event in events if event["event"] == "resolve" and event["entity"] == "A"]
                    days = {event["ts"] for event in resolved}
                    self.assertIn(len(days), (2, 3), days)      # one at each roll, however long the day was
                    lengths = [round((b - a) / HOUR) for a, b in zip(sorted(days), sorted(days)[1:])]
                    self.assertTrue(all(length in (23, 24, 25) for length in lengths), lengths)


class Late(Judged):
    def test_trades_out_of_order_by_hours(self):
        print(f"TW_TEST_SEED={SEED}")
        chance = random.Random(SEED)
        begin = at("2024-06-03T20:00")
        trades = [trade(symbol=chance.choice("XYZ"), account=chance.choice("ABC"), side=chance.choice("BS"),
                        qty=chance.choice((10, 900, 3000)), price=100 + chance.randrange(10),
                        ts=begin + i * 3 * SECOND - (chance.randrange(9 * HOUR) if chance.random() < 0.3 else 0), id=f"t{i}")
                  for i in range(4000)]
        sets = TURNOVER | {"session/zone": "Europe/Berlin", "rules/client_exposure/threshold": 3_000_000}
        with Daemon(sets=sets | {"pipeline/shards": 2, "pipeline/block": 7}) as daemon, Publisher(daemon, "desk") as desk:
            desk.publish(trades[:2500], seconds=30)
            self.kill_and_compare(daemon, 2500)
            desk.hello()
            desk.publish(trades[2500:], seconds=30)
            events = self.agree(daemon, 4000, sets=sets)
        self.assertGreater(len(events), 100)


class Changed(Judged):
    def test_settings_that_change_between_a_crash_and_the_restart(self):
        """What was judged stays as it was; the log says what is in force from where on. Shards change nothing."""
        print(f"TW_TEST_SEED={SEED}")
        chance = random.Random(SEED)
        begin = at("2024-10-26T12:00")
        trades = [trade(symbol=chance.choice("XYZ"), account=chance.choice("ABC"), side=chance.choice("BS"),
                        qty=chance.choice((10, 900, 3000)), price=100 + chance.randrange(10), ts=begin + i * 45 * SECOND)
                  for i in range(3000)]
        first = TURNOVER | {"session/zone": "Europe/Berlin"}
        changes = ({"rules/client_exposure/threshold": "250000", "session/zone": "America/New_York"},
                   {"rules/velocity/threshold": "1", "session/roll": "17:00", "rules/symbol_exposure/threshold@X": "9000000"},
                   {"session/zone": "Europe/Berlin", "session/roll": "02:30", "rules/large_trade/threshold": "800"})
        controls, count = [], 0
        with Daemon(sets=first | {"pipeline/shards": 1}) as daemon, Publisher(daemon, "desk") as desk:
            for part, shards in enumerate((1, 4, 2, 3)):
                if part > 0:
                    daemon.kill()
                    daemon.sets |= changes[part - 1] | {"pipeline/shards": shards}
                    daemon.restart()
                    controls.append((count, changes[part - 1]))
                    desk.hello()
                desk.publish(trades[count:count + 750], seconds=30)
                count += 750
                self.kill_and_compare(daemon, count)    # the same settings: a restart changes nothing
                desk.hello()
            events = self.agree(daemon, count, controls, first)
        self.assertGreater(len(events), 100)


@unittest.skipUnless(SHIM, "no library that shifts the clock: sanitizers do not go with one")
class Machine(Judged):
    """The machine's clock is set while the daemon runs."""

    def daemon(self, directory, **sets):
        self.file = os.path.join(directory, "shift")
        self.set_clock(0)
        return Daemon(sets={"pipeline/shards": 1} | sets, extra={"LD_PRELOAD": SHIM, "TW_CLOCK_FILE": self.file})

    def set_clock(self, seconds):
        """In place: the daemon has mapped it."""
        with open(self.file, "r+b" if os.path.exists(self.file) else "w+b") as file:
            file.write(struct.pack("<q", round(seconds * SECOND)))
        self.shift = seconds

    def now(self):
        return time.time_ns() + round(self.shift * SECOND)

    def test_steps_of_the_clock_refuse_only_what_lies_ahead_of_it_and_stop_nothing(self):
        with tempfile.TemporaryDirectory() as directory, self.daemon(directory) as daemon, \
                Publisher(daemon, "desk") as desk, Subscriber(daemon) as subscriber:
            subscriber.joined()
            accepted = refused = 0
            desk.hello()
            for step in (0, 86400, -86400, 3600, -7200, 7 * 86400, 0):
                self.set_clock(step)
                desk.publish([trade(ts=self.now())])            # by the machine's new clock: always taken
                accepted += 1
                desk.publish([trade(ts=self.now() + 60 * SECOND)])
                refused += 1
                desk.publish([trade(ts=None)])                  # it gets the time of its receipt
                accepted += 1
                began = time.monotonic()
                subscriber.wait_head("the next", lambda head: head["durable"] == accepted)
                self.assertLess(time.monotonic() - began, 15)   # heads, acks and flushes go by the other clock
                ack = desk.wait_ack("all refusals", lambda ack: ack["refused_total"] == refused)
                self.assertEqual({r["code"] for r in ack["refused"]}, {"timestamp_in_future"})
            self.assertEqual(ack["durable"], accepted + refused)
            rows_before = self.settle(daemon, accepted)
            daemon.kill()
            daemon.restart()
            self.assertEqual(self.settle(daemon, accepted)[1]["digest"], rows_before[1]["digest"])
            self.assertEqual(daemon.stop()[0], 0)
            rows = exported(daemon.data)
            clock = 0
            for row in rows:    # what came without ts has the clock of that moment, however late that is
                clock = max(clock, row["ts"])
            self.assertEqual(len(rows), accepted)
            self.assertGreater(clock - rows[-1]["ts"], 6 * 86400 * SECOND)
            replayed = run_tool("replay", "--data", daemon.data)
            self.assertIn(rows_before[1]["digest"], replayed.out + replayed.err)

    def test_a_clock_before_1990_dates_no_trade_and_starts_nothing(self):
        with tempfile.TemporaryDirectory() as directory, self.daemon(directory) as daemon, \
                Publisher(daemon, "desk") as desk, Publisher(daemon, "wide") as wide:
            columns = Columns()
            desk.hello()
            wide.hello()
            desk.publish([trade(ts=None)])
            self.set_clock(-time.time() + 1e8)      # 1973: no battery, no network
            desk.publish([trade(ts=None), trade(ts=time.time_ns())])
            ack = desk.wait_ack("two refusals", lambda ack: ack["refused_total"] == 2)
            self.assertEqual([r["code"] for r in ack["refused"]], ["timestamp_implausible", "timestamp_in_future"])
            self.assertIn("before 1990", ack["refused"][0]["why"])
            wide.send_map(columns.envelope(wide.pub, 1, [trade(ts=None)] * 3))
            wide.wait_ack("three refusals", lambda ack: ack["refused_total"] == 3)
            self.set_clock(0)
            desk.publish([trade(ts=None)])
            wide.send_map(columns.envelope(wide.pub, 4, [trade(ts=None)]))
            wide.wait_durable(4)
            self.set_clock(-time.time() + 1e8)
            self.assertEqual(daemon.stop()[0], 0)
            daemon.spawn()
            self.assertEqual(daemon.wait_end(), 3)
            self.assertIn("the clock of this machine lies before 1990; set it", daemon.said())
            self.set_clock(0)
            daemon.restart()
            self.assertEqual(daemon.stop()[0], 0)
            self.assertEqual(len(exported(daemon.data)), 3)

    def test_the_quiet_market_s_ticks_survive_a_step(self):
        """Velocity resolves by idle ticks. A step beyond a minute stops them (that is no quiet market any more, but
        another time); a step back waits until the clock is where it was."""
        with tempfile.TemporaryDirectory() as directory, \
                self.daemon(directory, **{"rules/velocity/threshold": 3, "rules/velocity/window": 5}) as daemon, \
                Publisher(daemon, "desk") as desk, Subscriber(daemon) as subscriber:
            subscriber.joined()
            desk.publish([trade(ts=self.now()) for _ in range(5)])
            [(_, opened, _)] = subscriber.wait_alerts(1)
            self.set_clock(40)      # within reach: the next idle tick is 40 s later
            [(_, resolved, _)] = subscriber.wait_alerts(1, seconds=20)
            self.assertEqual((opened["event"], resolved["event"]), ("open", "resolve"))
            self.assertGreater(resolved["ts"] - opened["ts"], 35 * SECOND)
            self.set_clock(0)       # 40 s back: trades are late, and counted at their key's clock
            desk.publish([trade(ts=self.now()) for _ in range(5)])
            [(_, again, _)] = subscriber.wait_alerts(1)
            self.assertEqual(again["event"], "open")
            head = subscriber.wait_head("all judged", lambda head: head["durable"] == 10)
            daemon.kill()
            daemon.restart()
            self.assertGreaterEqual(subscriber.wait_head("the same", lambda head: head["durable"] == 10)["last"], head["last"])
            code, seconds = daemon.stop()
            self.assertEqual(code, 0)
            self.assertEqual(run_tool("replay", "--data", daemon.data).code, 0)

    def webhook(self):
        sink = self.enterContext(Webhook())
        sink.clock = lambda: self.now() / SECOND
        return sink

    def large(self, desk, name):
        desk.publish([trade(qty=20000, id=name, account=None, side=None, ts=self.now())])

    def test_a_step_back_withholds_no_delivery(self):
        """By more than the deadline: a group's next message, what comes now, escalations, what is told or tried again."""
        with tempfile.TemporaryDirectory() as directory:
            ops, boss, late = self.webhook(), self.webhook(), self.webhook()
            late.mode = "broken"
            daemon = self.daemon(directory, **{
                "webhook/ops": ops.url, "webhook/boss": boss.url, "webhook/late": late.url, "route/all/receiver": "ops late",
                "route/all/group_by": "type", "route/all/group_wait": 1, "route/all/group_interval": 1,
                "route/all/repeat_interval": 8, "route/all/escalate_after": 6, "route/all/escalate_to": "boss",
                "delivery/deadline": 3600, "delivery/retry_max": 1})
            self.set_clock(86400)
            with daemon, Publisher(daemon, "desk") as desk:
                self.large(desk, "a")
                ops.wait("the first", lambda got: len(got) == 1)
                wait_until("an attempt", lambda: late.requests > 0)
                self.set_clock(0)
                self.large(desk, "b")
                ops.wait("the next of the group", lambda got: len(got) == 2)
                boss.wait_numbers(2)
                ops.wait("the first again", lambda got: any(message.get("digest", {}).get("first_n") == 1 for message in got))
                daemon.kill()
                late.mode = "ok"
                daemon.restart()        # what was put off stands there by the clock that was ahead
                late.wait_numbers(2)
                self.assertEqual(daemon.stop()[0], 0)


if __name__ == "__main__":
    unittest.main()
