# SPDX-License-Identifier: MIT
"""Every refusal code over a real socket; the good trades beside a bad one go on."""

import time
import unittest

from harness import Catchup, Daemon, Publisher, envelope, pack, trade
from harness.verdict import exported

NAN, INFINITY = float("nan"), float("inf")
MANY = 92_233_720_368       # units: the most that int64 holds in 1e-8


def without(field, **more):
    fields = trade(**more)
    del fields[field]
    return fields


def cases():
    """(code, trade)"""
    yield from (("bad_trade", bad) for bad in (5, "trade", [1], None, True, 1.5))
    yield from (("unknown_field", trade(**{name: 1})) for name in ("colour", "Symbol", "qty ", "sequence", ""))
    yield "unknown_field", trade() | {5: 1}
    yield from (("missing_field", without(field)) for field in ("symbol", "qty", "price"))
    yield from (("bad_symbol", trade(symbol=bad)) for bad in ("", "A B", "é", "x" * 33, 5, "A\n", "\x7f", b"X"))
    yield from (("bad_side", trade(side=bad)) for bad in ("X", "", "long", 1, "BS"))
    yield from (("bad_qty", trade(qty=bad)) for bad in BAD_NUMBERS)
    yield from (("bad_price", trade(price=bad)) for bad in BAD_NUMBERS)
    yield "amount_out_of_range", trade(qty=MANY + 1)
    yield "amount_out_of_range", trade(qty=2**64 - 1)
    yield "amount_out_of_range", trade(price=1e300)
    yield "amount_out_of_range", trade(qty="9" * 30)
    yield "amount_out_of_range", trade(qty=MANY, price=2)
    yield "amount_out_of_range", trade(qty="92233720368.54775807", price="1.00000001")
    yield from (("bad_ts", trade(ts=bad)) for bad in (1381190400.5, "1381190400000000000", True))
    yield "timestamp_in_future", trade(ts=time.time_ns() + 3600 * 10**9)
    yield from (("timestamp_in_future", trade(ts=bad)) for bad in (2**63 - 1, 2**63, 2**64 - 1))
    yield from (("timestamp_implausible", trade(ts=bad)) for bad in (0, 1, -1, 631_151_999_999_999_999))
    yield from (("bad_account", trade(account=bad)) for bad in ("", "a" * 33, "é" * 17, "a\x00b", "a\x85", 7))
    yield from (("bad_id", trade(id=bad)) for bad in ("", "i" * 65, "i\n", 7))
    yield from (("bad_party", trade(**{name: bad})) for name in ("owner", "contra", "broker", "venue")
                for bad in ("", "p" * 33, "p\t", 7))
    yield from (("unknown_ccy", trade(ccy=bad)) for bad in ("EUR", "usd"))
    yield from (("bad_kind", trade(kind=bad)) for bad in ("swap", "", "TRADE", 1))
    yield from (("bad_ref", bad) for bad in ({"kind": "bust"}, trade(kind="correct"), trade(ref="x-1"),
                                             {"kind": "bust", "ref": "r" * 65}, {"kind": "bust", "ref": ""}))
    yield from (("unknown_ref", bad) for bad in ({"kind": "bust", "ref": "nobody"}, trade(kind="correct", ref="nobody")))
    yield "ref_mismatch", {"kind": "bust", "ref": "known", "symbol": "OTHER"}
    yield "ref_mismatch", {"kind": "bust", "ref": "known", "account": "OTHER"}


BAD_NUMBERS = (0, -1, NAN, INFINITY, -INFINITY, -0.5, 0.0, 1e-9, 0.1 + 0.2, "0", "0.000000001", "1.123456789", "1e5", "-1", "+1",
               " 1", "1 ", "1.", ".5", "", "1,000", "NaN", "0x10", True, [1], {"a": 1}, b"1")


def raw_cases():
    """(code, the trade's bytes) of what no well-behaved encoder writes."""
    good = pack(trade(symbol="BADUTF", account="ACCOUNT", id="EXECUTION", venue="VENUE"))
    head = bytes([good[0] + 1])
    yield "duplicate_field", head + good[1:] + pack("qty") + pack(2)
    yield "bad_symbol", good.replace(b"BADUTF", b"BAD\xff\xfeF")
    yield "bad_account", good.replace(b"ACCOUNT", b"ACC\xffUNT")
    yield "bad_account", good.replace(b"ACCOUNT", b"AC\xc0\xafUNT")      # an overlong slash
    yield "bad_account", good.replace(b"ACCOUNT", b"A\xed\xa0\x80UNT")   # half a surrogate pair
    yield "bad_id", good.replace(b"EXECUTION", b"EXEC\x80TION")
    yield "bad_party", good.replace(b"VENUE", b"VEN\xf5E")


def good_cases():
    """What looks odd, and is fine."""
    yield trade(qty="0.00000001", price="92233720368.54775807")
    yield trade(qty=MANY, price=1, side="S")
    yield trade(qty=1.5, price=0.1)
    yield trade(qty="000100.00", price="1")
    yield trade(side="sElL", account="ünïcödé")
    yield trade(side=None, account=None)
    yield trade(side="B", account=None)
    yield trade(symbol="!~", account="a" * 32, id="i" * 64, venue="v" * 32, owner="o", contra="c", broker="b")
    yield trade(ts=631_152_000_000_000_000)
    yield trade(ccy="USD", kind="trade")
    yield trade() | {"venue": None, "kind": None}


class Refusals(unittest.TestCase):
    def test_every_code(self):
        """One message: a good trade before each bad one. Refusals are listed by catch-up, and the good ones are in."""
        bad = [(code, pack(row)) for code, row in cases()] + list(raw_cases())
        good = [pack(row) for row in good_cases()]
        with Daemon() as daemon, Publisher(daemon, "desk-7") as publisher, Catchup(daemon) as catchup:
            publisher.publish([trade(id="known")])
            rows, wanted, seq = [], [], 2
            for number, (code, row) in enumerate(bad):
                rows += [good[number % len(good)], row]
                wanted.append((seq + 1, code))
                seq += 2
            head = pack(envelope("desk-7", 2, []))
            self.assertEqual(head[-1:], b"\x90")
            publisher.send_raw(head[:-1] + b"\xdc" + len(rows).to_bytes(2, "big") + b"".join(rows))
            ack = publisher.wait_durable(seq - 1)
            self.assertEqual((ack["next"], ack["hold"], ack["refused_total"]), (seq, None, len(bad)))
            self.assertEqual([(r["seq"], r["code"]) for r in ack["refused"]], wanted[-64:])
            for refusal in ack["refused"]:
                self.assertEqual(set(refusal), {"seq", "code", "why"})
                self.assertTrue(refusal["why"])

            answers = [answer for answer, _ in catchup.everything("refusals", limit=50)]
            self.assertEqual([a["r"] for a in answers], list(range(1, len(bad) + 1)))
            for answer, (seq, code), (_, raw) in zip(answers, wanted, bad):
                self.assertEqual((answer["pub"], answer["inc"], answer["seq"]), ("desk-7", 0, seq))
                self.assertEqual(answer["code"], code, f"of {raw!r}: {answer}")
                self.assertEqual(answer["raw"], raw[:256])
            self.assertEqual(daemon.stop()[0], 0)
            taken = [row for row in exported(daemon.data) if row["pseq"] > 1]
            self.assertEqual([row["pseq"] for row in taken], [seq - 1 for seq, _ in wanted])
            self.assertEqual([row["seq"] for row in taken], list(range(2, len(taken) + 2)))

    def test_the_corrected_trade_takes_a_new_number(self):
        with Daemon() as daemon, Publisher(daemon, "desk-7") as publisher:
            publisher.publish([trade(price=0)])
            ack = publisher.publish([trade(price=5)])
            self.assertEqual((ack["durable"], ack["refused_total"]), (2, 1))

    def test_refusals_survive_kill_9(self):
        with Daemon() as daemon, Publisher(daemon, "desk-7") as publisher:
            publisher.publish([trade(), trade(price=0), trade(qty=0)])
            daemon.kill()
            daemon.restart()
            ack = publisher.hello()
            self.assertEqual((ack["next"], ack["refused_total"]), (4, 2))
            with Catchup(daemon) as catchup:
                answers, end = catchup.ask("refusals")
                self.assertEqual([(a["r"], a["seq"], a["code"]) for a, _ in answers],
                                 [(1, 2, "bad_price"), (2, 3, "bad_qty")])
                self.assertEqual((end["end"], end["last"], end["more"]), (0, 2, False))

    def test_refusals_can_be_asked_for_by_publisher(self):
        with Daemon() as daemon, Publisher(daemon, "one") as one, Publisher(daemon, "two") as two, Catchup(daemon) as catchup:
            for count in (3, 4):
                one.publish([trade(qty=0)] * count)
                two.publish([trade(price=0)] * count)
            answers, _ = catchup.ask("refusals", pub="two")
            self.assertEqual([a["code"] for a, _ in answers], ["bad_price"] * 7)
            some, end = catchup.ask("refusals", limit=5, pub="two")
            self.assertEqual((len(some), end["more"]), (5, True))
            rest, end = catchup.ask("refusals", after=end["last"], pub="two")
            self.assertEqual([a for a, _ in some + rest], [a for a, _ in answers])
            self.assertFalse(end["more"])

    def test_the_future_is_a_setting(self):
        with Daemon(sets={"limits/future": 7200}) as daemon, Publisher(daemon, "desk-7") as publisher:
            ack = publisher.publish([trade(ts=time.time_ns() + 3600 * 10**9), trade(ts=time.time_ns() + 3 * 3600 * 10**9)])
            self.assertEqual([(r["seq"], r["code"]) for r in ack["refused"]], [(2, "timestamp_in_future")])


if __name__ == "__main__":
    unittest.main()
