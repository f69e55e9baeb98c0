"""What the judge must say, worked out by hand from RULES.md.

  python3 -m unittest discover -s tests/oracle
"""

import hashlib
import io
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import amounts          # noqa: E402
import judge            # noqa: E402
import tape             # noqa: E402
import tapegen          # noqa: E402

SECOND = 10 ** 9
T0 = 1704103200 * SECOND        # 2024-01-01T10:00:00Z, a whole minute
DATA = os.path.join(HERE, "..", "..", "..", "shared", "data")
NO_MARK = ("exposure/remark", "0")
MONEY = 10 ** 8


def trade(at, symbol, side, qty, price, account=None, **more):
    """A row; `at` is in seconds after T0 (or ns, as an int above 10^9)."""
    ts = T0 + (at if isinstance(at, int) and abs(at) > 10 ** 7 else round(at * SECOND))
    row = {"ts": ts, "symbol": symbol, "side": side, "qty": str(qty), "price": str(price),
           "account": account, **more}
    return {name: value for name, value in row.items() if value is not None}


def bust(at, ref, **more):
    return {"ts": T0 + round(at * SECOND), "kind": "bust", "ref": ref, **more}


def judged(rows, *changes):
    """(events as 'event type severity entity seq value', verdict)."""
    events = []
    verdict = judge.judge_rows(rows, changes, keep=events.append)
    return [e["line"].split(" ", 1)[1] for e in events], verdict, events


class Amounts(unittest.TestCase):
    def test_half_even(self):
        for numerator, expected in ((5, 0), (15, 2), (25, 2), (35, 4), (-5, 0), (-15, -2),
                                    (26, 3), (24, 2), (-26, -3)):
            self.assertEqual(amounts.half_even(numerator, 10), expected)

    def test_parse(self):
        for given, expected in ((5, 5 * MONEY), ("5", 5 * MONEY), ("005.10", 510000000),
                                (0.1, 10 ** 7), (1e-8, 1), ("0.00000001", 1),
                                ("92233720368.54775807", 2 ** 63 - 1)):
            self.assertEqual(amounts.parse_amount(given, "bad"), expected)

    def test_refused(self):
        for given in ("0", 0, -1, "-1", "+1", "1e3", ".5", "5.", " 5", "", "٣", 1e-9, True,
                      None, float("nan"), "0.000000001", "92233720368.54775808", 1e300):
            with self.assertRaises(amounts.Refused):
                amounts.parse_amount(given, "bad")


class WorkedExample(unittest.TestCase):
    ROWS = [trade(0, "X", "B", 4000, "150.00", "A"),
            trade(1, "X", "B", 3000, "150.00", "A"),
            trade(2, "X", "S", 1000, "150.00", "A")]

    def test_four_events(self):
        lines, _, _ = judged(self.ROWS, NO_MARK)
        self.assertEqual(lines, [
            f"open HIGH_SYMBOL_EXPOSURE HIGH X 1 {600000 * MONEY}",
            f"open HIGH_CLIENT_EXPOSURE HIGH A 2 {1050000 * MONEY}",
            f"escalate HIGH_SYMBOL_EXPOSURE CRITICAL X 2 {1050000 * MONEY}",
            f"resolve HIGH_CLIENT_EXPOSURE HIGH A 3 {900000 * MONEY}"])

    def test_digest(self):
        lines, verdict, _ = judged(self.ROWS, NO_MARK)
        chain = bytes(32)
        for n, line in enumerate(lines, 1):
            chain = hashlib.sha256(chain + f"{n} {line}\n".encode()).digest()
        self.assertEqual(verdict.summary()["digest"], chain.hex())

    def test_identity(self):
        _, _, events = judged(self.ROWS, NO_MARK)
        content = (b"HIGH_CLIENT_EXPOSURE\0CLIENT\0A\0judge\0"
                   + bytes(8) + (2).to_bytes(8, "big"))
        self.assertEqual(events[1]["id"], hashlib.sha256(content).digest()[:16].hex())
        self.assertEqual(events[1]["id"], events[3]["id"])
        self.assertEqual(events[1]["trades"], [1, 2])


class Levels(unittest.TestCase):
    def test_strictly_above(self):
        lines, _, _ = judged([trade(0, "X", "B", 5000, 100, "A"),
                              trade(0, "X", "B", "0.00000001", 100, "A")])
        self.assertEqual(lines, [f"open HIGH_SYMBOL_EXPOSURE HIGH X 2 {500000 * MONEY + 100}"])

    def test_critical_and_rearm_bounds(self):
        lines, _, _ = judged([trade(0, "X", "B", 7500, 100, "A"),
                              trade(0, "X", "B", "0.00000001", 100, "A"),
                              trade(0, "X", "S", 3000, 100, "A"),
                              trade(0, "X", "S", "0.00000001", 100, "A")])
        self.assertEqual([line.split()[0] for line in lines], ["open", "escalate", "resolve"])
        self.assertEqual(lines[2], f"resolve HIGH_SYMBOL_EXPOSURE CRITICAL X 4 {450000 * MONEY}")

    def test_fraction_is_never_rounded(self):
        # first tier 0.00000001, re-arm 0.9 of it: only 0 resolves; 1.5 of it: 2 exceeds
        rows = [trade(0, "X", "B", "0.00000002", 1, "A"), trade(0, "X", "S", "0.00000001", 1, "A"),
                trade(0, "X", "S", "0.00000001", 1, "A")]
        lines, _, _ = judged(rows, ("rules/symbol_exposure/threshold", "0.00000001"))
        self.assertEqual(lines, ["open HIGH_SYMBOL_EXPOSURE CRITICAL X 1 2",
                                 "resolve HIGH_SYMBOL_EXPOSURE CRITICAL X 3 0"])

    def test_large_trade(self):
        lines, _, events = judged([trade(0, "X", "B", 10000, 1),
                                   trade(0, "X", None, "10000.00000001", 1)])
        self.assertEqual(lines, ["fire LARGE_TRADE HIGH judge/0/2 2 1000000000001"])
        self.assertEqual(events[0]["entity_type"], "TRADE")

    def test_threshold_of_one_name(self):
        lines, _, _ = judged([trade(0, "X", "B", 1, 1, "A"), trade(0, "Y", "B", 1, 1, "A")],
                             ("rules/symbol_exposure/threshold@Y", "0.5"))
        self.assertEqual(lines, [f"open HIGH_SYMBOL_EXPOSURE CRITICAL Y 2 {MONEY}"])

    def test_net_and_gross(self):
        rows = [trade(0, "X", "B", 3000, 100, "A"), trade(0, "X", "S", 3000, 100, "B")]
        self.assertEqual(judged(rows)[0],
                         [f"open HIGH_SYMBOL_EXPOSURE HIGH X 2 {600000 * MONEY}"])
        self.assertEqual(judged(rows, ("exposure/measure", "net"))[0], [])


class Ticks(unittest.TestCase):
    def test_own_price_until_the_tick(self):
        # the print at 103 moves X's mark at once, A's own m only in the tick
        lines, _, _ = judged([
            trade(0.5, "X", "B", 4900, 100, "A"), trade(0.6, "X", None, 1, 103),
            trade(0.7, "Y", "B", 5000, 100, "A"), trade(1, "Z", None, 1, 1)],
            ("rules/symbol_exposure/threshold", "9000000"))
        self.assertEqual(lines, [f"open HIGH_CLIENT_EXPOSURE HIGH A 4 {1004700 * MONEY}"])

    def test_tick_carries_crossing_trade(self):
        lines, _, events = judged([
            trade(0.5, "X", "B", 9900, 100, "A"), trade(0.6, "X", None, 1, 102),
            trade(2.7, "Y", None, 1, 1)], ("rules/symbol_exposure/threshold", "9000000"))
        self.assertEqual(lines, [f"open HIGH_CLIENT_EXPOSURE HIGH A 3 {1009800 * MONEY}"])
        self.assertEqual(events[0]["ts"], T0 + 2 * SECOND)
        self.assertEqual(events[0]["trades"], [3])

    def test_remark_every_five_seconds(self):
        rows = [trade(0.5, "X", "B", 9900, 100, "A"), trade(0.6, "X", None, 1, 102),
                trade(4.9, "Y", None, 1, 1), trade(6, "Y", None, 1, 1)]
        lines, _, _ = judged(rows, ("rules/symbol_exposure/threshold", "9000000"),
                             ("exposure/remark", "5"))
        self.assertEqual(lines, [f"open HIGH_CLIENT_EXPOSURE HIGH A 4 {1009800 * MONEY}"])

    def test_a_trade_on_the_second_comes_after_its_tick(self):
        # 110 at exactly 1 s is not yet a mark in the tick of 1 s
        rows = [trade(0.5, "X", "B", 9900, 100, "A"), trade(1, "X", None, 1, 110),
                trade(1.9, "X", None, 1, 100), trade(2, "Y", None, 1, 1)]
        self.assertEqual(judged(rows, ("rules/symbol_exposure/threshold", "9000000"))[0], [])

    def test_clock_record(self):
        rows = [trade(0.5, "X", "B", 9900, 100, "A"), trade(0.6, "X", None, 1, 102),
                {"control": "clock", "ts": T0 + SECOND}]
        lines, _, _ = judged(rows, ("rules/symbol_exposure/threshold", "9000000"))
        self.assertEqual(lines, [f"open HIGH_CLIENT_EXPOSURE HIGH A 2 {1009800 * MONEY}"])


class Velocity(unittest.TestCase):
    def rows(self, last):
        return [trade(0.5, "X", "B", 1, 1, "A") for _ in range(10)] + [
            trade(last, "X", "B", 1, 1, "A")]

    def test_window_is_open_at_the_old_end(self):
        edge = 60 * SECOND + SECOND // 2
        self.assertEqual(judged(self.rows(edge))[0], [])
        self.assertEqual(judged(self.rows(edge - 1))[0],
                         ["open HIGH_TRANSACTION_VELOCITY HIGH A 11 11"])

    def test_resolves_in_a_tick(self):
        rows = self.rows(30 * SECOND) + [trade(60.9, "X", None, 1, 1), trade(61, "X", None, 1, 1)]
        self.assertEqual(judged(rows)[0], ["open HIGH_TRANSACTION_VELOCITY HIGH A 11 11",
                                           "resolve HIGH_TRANSACTION_VELOCITY HIGH A 13 1"])

    def test_late_trade_counts_at_its_keys_clock(self):
        rows = [trade(100, "X", "B", 1, 1, "A")] + [trade(0, "X", "B", 1, 1, "A")] * 10
        self.assertEqual(judged(rows)[0], ["open HIGH_TRANSACTION_VELOCITY HIGH A 11 11"])

    def test_a_tick_removes_nothing(self):
        # the tick at 61 counts one; the late trade at the key's clock counts all twelve
        rows = self.rows(30 * SECOND) + [trade(61, "X", None, 1, 1), trade(1, "X", "B", 1, 1, "A")]
        self.assertEqual(judged(rows)[0][1:], ["resolve HIGH_TRANSACTION_VELOCITY HIGH A 12 1",
                                               "open HIGH_TRANSACTION_VELOCITY HIGH A 13 12"])


class Anomaly(unittest.TestCase):
    def rows(self, *cents, count=30, spread=10):
        """A window of 1000 +- spread cents (sigma = spread), then `cents`."""
        window = [1000 + (spread if i % 2 else -spread) for i in range(count)]
        return [trade(0, "X", None, 1, amounts.decimal_text(c * 10 ** 6))
                for c in (*window, *cents)]

    def test_exactly_three_and_four_sigma(self):
        for cents, expected in ((1030, []), (1031, ["open ANOMALY_DETECTED MEDIUM X 31 1031"]),
                                (969, ["open ANOMALY_DETECTED MEDIUM X 31 969"]),
                                (1040, ["open ANOMALY_DETECTED MEDIUM X 31 1040"]),
                                (1041, ["open ANOMALY_DETECTED HIGH X 31 1041"])):
            self.assertEqual(judged(self.rows(cents))[0], expected)

    def test_minimum_and_no_spread(self):
        self.assertEqual(judged(self.rows(5000, count=28))[0], [])
        self.assertEqual(judged(self.rows(5000, spread=0))[0], [])

    def test_the_hit_enters_the_window(self):
        self.assertEqual(len(judged(self.rows(1031, 1031))[0]), 1)
        lines, _, _ = judged(self.rows(1035, 1100))
        self.assertEqual(lines, ["open ANOMALY_DETECTED MEDIUM X 31 1035",
                                 "escalate ANOMALY_DETECTED HIGH X 32 1100"])

    def test_half_cents(self):
        rows = [trade(0, "X", None, 1, p) for p in ["0.005", "0.015", "0.025"]]
        verdict = judged(rows)[1]
        statistic = verdict.surveillance.statistics["SYMBOL", "X"]
        self.assertEqual([x for _, x in statistic.entries], [0, 2, 2])

    def test_quiet_minute(self):
        rows = self.rows(1041)
        rows[-1]["ts"] += SECOND // 2
        early = rows + [trade(60.9, "Y", None, 1, 1)]
        self.assertEqual(len(judged(early)[0]), 1)
        lines, _, _ = judged(early + [trade(61, "Y", None, 1, 1)])
        self.assertEqual(lines[1], "resolve ANOMALY_DETECTED HIGH X 33 0")

    def test_keys(self):
        rows = [dict(row, account="A", side="B") for row in self.rows(1041)]
        lines, _, events = judged(rows, ("rules/anomaly/key", "account"),
                                  ("rules/velocity/client", "off"))
        self.assertEqual(lines, ["open ANOMALY_DETECTED HIGH A/X 31 1041"])
        self.assertEqual(events[0]["entity_type"], "CLIENT")
        lines, _, events = judged(self.rows(1041), ("rules/anomaly/key", "system"))
        self.assertEqual(lines, ["open ANOMALY_DETECTED HIGH * 31 1041"])

    def test_another_key(self):
        # X is left twice: the window of X begins anew each time; the tick ends what is left, not what is open
        again, back = ({"control": "settings", "set": {"rules/anomaly/key": key}} for key in ("system", "symbol"))
        rows = self.rows(1041) + [again, back] + self.rows(1031) + [again] + self.rows(1041)
        rows += [trade(1, "Y", None, 1, 10), trade(61, "Y", None, 1, 10)]
        self.assertEqual(judged(rows)[0], [
            "open ANOMALY_DETECTED HIGH X 31 1041", "open ANOMALY_DETECTED MEDIUM X 62 1031",
            "open ANOMALY_DETECTED HIGH * 93 1041", "resolve ANOMALY_DETECTED HIGH X 94 0",
            "resolve ANOMALY_DETECTED MEDIUM X 94 0", "resolve ANOMALY_DETECTED HIGH * 95 0"])

    def test_another_key_and_a_bust(self):
        rows = self.rows(1041)
        rows[-1]["id"] = "hit"
        rows += [{"control": "settings", "set": {"rules/anomaly/key": "system"}}, bust(0.5, "hit"),
                 trade(1, "Y", None, 1, 1)]
        self.assertEqual(judged(rows)[0], ["open ANOMALY_DETECTED HIGH X 31 1041",
                                           "retract ANOMALY_DETECTED HIGH X 32 1041"])


class Sessions(unittest.TestCase):
    TURNOVER = ("exposure/measure", "turnover")

    def test_roll_is_judged_in_the_tick(self):
        day = 14 * 3600         # T0 is at 10:00
        rows = [trade(day - 1, "X", "B", 6000, 100, "A"), trade(day - 0.5, "X", "S", 6000, 100, "A"),
                trade(day, "Y", None, 1, 1)]
        lines, _, _ = judged(rows, self.TURNOVER)
        self.assertEqual(lines, [
            f"open HIGH_SYMBOL_EXPOSURE HIGH X 1 {600000 * MONEY}",
            f"open HIGH_CLIENT_EXPOSURE HIGH A 2 {1200000 * MONEY}",
            f"escalate HIGH_SYMBOL_EXPOSURE CRITICAL X 2 {1200000 * MONEY}",
            "resolve HIGH_CLIENT_EXPOSURE HIGH A 3 0",
            "resolve HIGH_SYMBOL_EXPOSURE CRITICAL X 3 0"])

    def test_zone_and_time_of_roll(self):
        # 17:00 in New York in January is 22:00 UTC, twelve hours after T0
        settings = (self.TURNOVER, ("session/roll", "17:00"), ("session/zone", "America/New_York"))
        for at, expected in ((12 * 3600 - 1, 1), (12 * 3600, 2)):
            rows = [trade(0, "X", "B", 6000, 100, "A"), trade(at, "Y", None, 1, 1)]
            self.assertEqual(len(judged(rows, *settings)[0]), expected)

    def test_bust_of_an_earlier_day_leaves_turnover(self):
        day = 14 * 3600
        rows = [trade(day - 1, "X", "B", 6000, 100, "A", id="old"),
                trade(day, "X", "B", 5100, 100, "A", id="new"), bust(day, "old")]
        lines, _, _ = judged(rows, self.TURNOVER)
        self.assertEqual(lines[-1], f"retract HIGH_SYMBOL_EXPOSURE HIGH X 3 {510000 * MONEY}")


class Busts(unittest.TestCase):
    def test_position_goes_back_and_the_alert_is_retracted(self):
        lines, _, _ = judged([trade(0, "X", "B", 6000, 100, "A", id="e1"), bust(0, "e1"),
                              bust(0, "e1")])
        self.assertEqual(lines, [f"open HIGH_SYMBOL_EXPOSURE HIGH X 1 {600000 * MONEY}",
                                 "retract HIGH_SYMBOL_EXPOSURE HIGH X 2 0"])

    def test_order_and_resolved_alerts(self):
        rows = [trade(0, "X", "B", 10001, 100, "A", id="big"),
                trade(0, "X", "S", 9000, 100, "A"), bust(0, "big")]
        lines, _, _ = judged(rows)
        back = 900000 * MONEY
        self.assertEqual(lines[-4:], [
            f"retract LARGE_TRADE HIGH judge/0/1 3 {10001 * MONEY}",
            f"retract HIGH_CLIENT_EXPOSURE HIGH A 3 {back}",
            f"retract HIGH_SYMBOL_EXPOSURE CRITICAL X 3 {back}",
            f"open HIGH_SYMBOL_EXPOSURE CRITICAL X 3 {back}"])

    def test_a_bust_may_open(self):
        rows = [trade(0, "X", "B", 6000, 80, "A"), trade(0, "X", "S", 3000, 80, "A", id="s"),
                trade(0, "X", None, 1, 90), bust(0, "s")]
        lines, _, events = judged(rows)
        self.assertEqual(lines, [f"open HIGH_SYMBOL_EXPOSURE HIGH X 4 {540000 * MONEY}"])

    def test_velocity_loses_the_entry(self):
        rows = [trade(0, "X", "B", 1, 1, "A", id=f"v{i}") for i in range(12)]
        lines, _, _ = judged(rows + [bust(0, f"v{i}") for i in (0, 1, 2)])
        self.assertEqual(lines, ["open HIGH_TRANSACTION_VELOCITY HIGH A 11 11",
                                 "resolve HIGH_TRANSACTION_VELOCITY HIGH A 15 9"])
        lines, _, _ = judged(rows + [bust(0, "v10")])
        self.assertEqual(lines[1:], ["retract HIGH_TRANSACTION_VELOCITY HIGH A 13 11",
                                     "open HIGH_TRANSACTION_VELOCITY HIGH A 13 11"])

    def test_crossing_trade_opened_it(self):
        rows = [trade(0.5, "X", "B", 9900, 100, "A"), trade(0.6, "X", None, 1, 102),
                trade(1.5, "Y", None, 1, 1, id="cross"), bust(1.6, "cross")]
        lines, _, _ = judged(rows, ("rules/symbol_exposure/threshold", "9000000"))
        value = 1009800 * MONEY
        self.assertEqual(lines, [f"open HIGH_CLIENT_EXPOSURE HIGH A 3 {value}",
                                 f"retract HIGH_CLIENT_EXPOSURE HIGH A 4 {value}"])

    def test_correct_is_judged_once(self):
        rows = [trade(0, "X", "B", 6000, 100, "A", id="e1"),
                trade(0, "X", "B", 5500, 100, "A", id="e2", kind="correct", ref="e1"),
                bust(0, "e2")]
        lines, _, _ = judged(rows)
        self.assertEqual(lines, [
            f"open HIGH_SYMBOL_EXPOSURE HIGH X 1 {600000 * MONEY}",
            "retract HIGH_SYMBOL_EXPOSURE HIGH X 2 0",
            f"open HIGH_SYMBOL_EXPOSURE HIGH X 2 {550000 * MONEY}",
            "retract HIGH_SYMBOL_EXPOSURE HIGH X 3 0"])

    def test_latest_of_a_reused_id_goes_first(self):
        rows = [trade(0, "X", "B", 1000, 100, "A", id="e"), trade(0, "X", "B", 4000, 100, "A", id="e"),
                bust(0, "e"), trade(0, "X", "B", "4000.00000001", 100, "A"), bust(0, "e"),
                bust(0, "e")]
        lines, verdict, _ = judged(rows)
        self.assertEqual(lines, [f"open HIGH_SYMBOL_EXPOSURE HIGH X 4 {500000 * MONEY + 100}",
                                 f"resolve HIGH_SYMBOL_EXPOSURE HIGH X 5 {400000 * MONEY + 100}"])
        self.assertEqual(verdict.codes, {"unknown_ref": 1})

    def test_mismatch(self):
        rows = [trade(0, "X", "B", 1, 1, "A", id="e"), bust(0, "e", symbol="Y"),
                bust(0, "e", account="B"), bust(0, "e", symbol="X", account="A")]
        self.assertEqual(judged(rows)[1].codes, {"ref_mismatch": 2})


class Refusals(unittest.TestCase):
    def test_codes_and_numbers(self):
        good = trade(0, "X", "B", 10001, 1, "A")
        faults = [{"qty": "0"}, {"price": "1e2"}, {"symbol": "a b"}, {"side": None},
                  {"ts": 631151999999999999}, {"qty": "92233720368", "price": "92233720368"},
                  {"flavour": "odd"}, {"kind": "bust", "ref": "none"}, {"account": "é" * 17}]
        rows = [{k: v for k, v in {**good, **fault}.items() if v is not None} for fault in faults]
        lines, verdict, _ = judged(rows + [good])
        self.assertEqual(verdict.codes, {
            "bad_qty": 1, "bad_price": 1, "bad_symbol": 1, "bad_side": 1, "timestamp_implausible": 1,
            "amount_out_of_range": 1, "unknown_field": 1, "unknown_ref": 1, "bad_account": 1})
        self.assertEqual(lines, [f"fire LARGE_TRADE HIGH judge/0/10 1 {10001 * MONEY}"])

    def test_a_refusal_makes_no_tick(self):
        rows = [trade(0.5, "X", "B", 9900, 100, "A"), trade(0.6, "X", None, 1, 102),
                trade(5, "X", None, 0, 1)]
        self.assertEqual(judged(rows, ("rules/symbol_exposure/threshold", "9000000"))[0], [])

    def test_publishers(self):
        rows = [dict(trade(0, "X", None, 10001, 1), pub="p", pseq=n) for n in (1, 1, 3, 2)]
        lines, verdict, _ = judged(rows)
        self.assertEqual([line.split()[3] for line in lines], ["p/0/1", "p/0/2"])
        self.assertEqual(verdict.passed_over, 2)


class Generator(unittest.TestCase):
    def test_every_flavour_repeats_and_says_something(self):
        for flavour in tapegen.FLAVOURS:
            texts = []
            for _ in range(2):
                out = io.StringIO()
                tapegen.write(out, 7, 400, flavour)
                texts.append(out.getvalue())
            self.assertEqual(*texts)
            rows = list(tape._csv_rows(io.StringIO(texts[0])))
            changes = [c.split("=") for c in tapegen.SETTINGS.get(flavour, ())]
            with self.subTest(flavour):
                self.assertEqual(len(rows), 400)
                self.assertGreater(judge.judge_rows(rows, changes).summary()["count"], 0)


class RealTapes(unittest.TestCase):
    def count(self, name):
        path = os.path.join(DATA, name)
        if not os.path.exists(path):
            self.skipTest(f"{name} is not there")
        return judge.judge_rows(tape.rows(path)).summary()

    def test_wallets(self):
        self.assertEqual(self.count("fills_wallets.csv.gz")["count"], 1233)

    @unittest.skipUnless(os.environ.get("ORACLE_SLOW"), "set ORACLE_SLOW=1 (about 90 s)")
    def test_desk(self):
        summary = self.count("desk_20131008.csv.gz")
        got = [(c["type"], c["event"], c["severity"], c["count"]) for c in summary["counts"]]
        self.assertEqual(summary["count"], 13050)
        for expected in (("LARGE_TRADE", "fire", "HIGH", 1107),
                         ("HIGH_CLIENT_EXPOSURE", "open", "HIGH", 1149),
                         ("HIGH_CLIENT_EXPOSURE", "open", "CRITICAL", 223),
                         ("HIGH_CLIENT_EXPOSURE", "escalate", "CRITICAL", 437),
                         ("HIGH_SYMBOL_EXPOSURE", "open", "HIGH", 3),
                         ("HIGH_SYMBOL_EXPOSURE", "open", "CRITICAL", 1),
                         ("HIGH_SYMBOL_EXPOSURE", "escalate", "CRITICAL", 3),
                         ("HIGH_TRANSACTION_VELOCITY", "open", "HIGH", 4303),
                         ("HIGH_TRANSACTION_VELOCITY", "resolve", "HIGH", 4303),
                         ("ANOMALY_DETECTED", "open", "HIGH", 247),
                         ("ANOMALY_DETECTED", "open", "MEDIUM", 113),
                         ("ANOMALY_DETECTED", "escalate", "HIGH", 78)):
            self.assertIn(expected, got)


if __name__ == "__main__":
    unittest.main()
