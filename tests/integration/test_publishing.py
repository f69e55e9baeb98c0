# SPDX-License-Identifier: MIT
"""The publisher's side of the wire: hello, acks, resends, gaps, incarnations, credit, holds, garbage."""

import struct
import unittest

import msgpack
import zmq

from harness import Daemon, Deadline, Publisher, envelope, pack, trade
from harness.verdict import exported
from harness.wire import Columns

ACK_KEYS = ["v", "pub", "inc", "durable", "next", "gap", "credit", "refused", "refused_total", "hold", "names"]


class Publishing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = cls.enterClassContext(Daemon())
        cls.count = 0

    def publisher(self, pub=None, inc=0, daemon=None):
        """A publisher of its own, so that tests do not meet."""
        type(self).count += 1
        publisher = Publisher(daemon or self.daemon, pub or f"pub-{self.count}", inc)
        self.addCleanup(publisher.close)
        return publisher

    def assert_still_takes(self, publisher):
        """The same daemon goes on taking good trades from the same publisher."""
        publisher.hello()
        ack = publisher.publish([trade(), trade()])
        self.assertIsNone(ack["hold"])

    # --- hello and acks

    def test_hello_is_answered_with_where_the_publisher_stands(self):
        ack = self.publisher("stranger").hello()
        self.assertEqual(list(ack), ACK_KEYS)
        self.assertEqual((ack["pub"], ack["inc"], ack["durable"], ack["next"], ack["gap"]), ("stranger", 0, 0, 1, 0))
        self.assertEqual((ack["credit"], ack["refused"], ack["refused_total"], ack["hold"]), (65536, [], 0, None))

    def test_trades_become_durable_and_a_new_hello_knows_it(self):
        publisher = self.publisher()
        ack = publisher.publish([trade(id=f"x-{i}") for i in range(1200)])
        self.assertEqual((ack["durable"], ack["next"]), (1200, 1201))
        again = self.publisher(publisher.pub).hello()
        self.assertEqual((again["durable"], again["next"], again["hold"]), (1200, 1201, None))

    def test_acks_repeat_while_the_publisher_is_heard_of(self):
        publisher = self.publisher()
        publisher.publish([trade()])
        publisher.drain()
        for _ in range(2):
            publisher.wait_ack("a repetition within a second", lambda ack: ack["durable"] == 1, seconds=2)

    def test_a_name_that_is_another_ones_beginning_hears_its_own_acks_only(self):
        long, short = self.publisher("desk-70"), self.publisher("desk-7")
        long.publish([trade()] * 5)
        short.publish([trade()] * 2)
        self.assertEqual(short.ack["durable"], 2)       # Publisher.hear checks the topic of every ack

    def test_the_biggest_message(self):
        publisher = self.publisher()
        publisher.hello()
        publisher.send([trade(account=None, side=None)] * 8190)
        self.assertEqual(publisher.wait_durable()["durable"], 8190)

    # --- the same again

    def test_an_equal_resend_changes_nothing(self):
        publisher = self.publisher()
        trades = [trade(id=f"x-{i}", price="10.50") for i in range(10)]
        publisher.publish(trades)
        publisher.send([dict(t, price=10.5, side="buy") for t in trades], seq=1)    # said otherwise, the same content
        publisher.send(trades[3:7], seq=4)
        ack = publisher.publish([trade()])
        self.assertEqual((ack["durable"], ack["hold"], ack["gap"]), (11, None, 0))
        publisher.hello()
        self.assertEqual(publisher.ack["next"], 12)

    def test_a_resend_that_straddles_next_counts_from_next_on(self):
        publisher = self.publisher()
        trades = [trade(id=f"x-{i}") for i in range(10)]
        publisher.publish(trades[:6])
        publisher.send(trades[3:], seq=4)
        self.assertEqual(publisher.wait_durable(10)["next"], 11)

    def test_a_different_resend_is_held_and_nothing_of_it_is_taken(self):
        for changed in ({"qty": 2}, {"price": "1.00000001"}, {"account": "B"}, {"side": "S"}, {"id": "other"},
                        {"symbol": "Y"}, {"ts": trade()["ts"] + 1}, {"venue": "V"}):
            with self.subTest(changed):
                publisher = self.publisher()
                trades = [trade(id=f"x-{i}") for i in range(4)]
                publisher.publish(trades)
                publisher.send([trades[2], trade(**{"id": "x-3"} | changed), trade()], seq=3)
                hold = publisher.wait_hold("sequence_reused")["hold"]
                self.assertEqual(hold["seq"], 4)
                self.assertTrue(hold["why"])
                self.assertEqual(publisher.hello()["next"], 5)

    def test_a_refused_trade_is_compared_as_well(self):
        publisher = self.publisher()
        publisher.publish([trade(price=0), trade()])
        publisher.send([trade(price=0), trade()], seq=1)
        publisher.publish([trade()])
        self.assertIsNone(publisher.ack["hold"])
        publisher.send([trade(price="7")], seq=1)
        self.assertEqual(publisher.wait_hold("sequence_reused")["hold"]["seq"], 1)

    def test_rows_resent_as_columns_are_the_same(self):
        publisher, columns = self.publisher(), Columns()
        trades = [trade(symbol=s, account=a, qty=q, price=10, id=f"x-{q}") for q in (1, 2, 3) for s in "XY" for a in "AB"]
        publisher.publish(trades)
        publisher.send_map(columns.envelope(publisher.pub, 1, trades))
        publisher.send_map(columns.envelope(publisher.pub, 13, [trade(symbol="Z")]))
        ack = publisher.wait_durable(13)
        self.assertEqual((ack["hold"], ack["names"]), (None, 5))

    # --- gaps and credit

    def test_what_lies_beyond_next_is_dropped_and_raises_gap(self):
        publisher = self.publisher()
        publisher.publish([trade()])
        publisher.send([trade()], seq=3)
        ack = publisher.wait_ack("a gap", lambda ack: ack["gap"] == 1)
        self.assertEqual((ack["next"], ack["durable"]), (2, 1))
        publisher.send([trade(), trade()], seq=2)
        self.assertEqual(publisher.wait_durable(3)["gap"], 1)

    def test_a_flood_beyond_credit_loses_nothing_once_it_is_resent(self):
        with Daemon(sets={"limits/credit": 8190}) as daemon:
            publisher = self.publisher(daemon=daemon)
            self.assertEqual(publisher.hello()["credit"], 8190)
            trades = [trade(account=None, side=None)] * 4000
            messages = [(seq, pack(envelope(publisher.pub, seq, trades))) for seq in range(1, 80001, 4000)]
            for _, message in messages:
                publisher.send_raw(message)
            deadline, answered = Deadline(60, "80,000 durable trades"), 0
            while publisher.ack["durable"] < 80000:
                ack = publisher.hear(deadline)
                if ack is None:
                    continue
                self.assertLessEqual(ack["next"] - 1, ack["durable"] + ack["credit"])
                if ack["durable"] == ack["next"] - 1 and ack["next"] > answered:    # nothing is under way: what is next?
                    answered = ack["next"]
                    publisher.send_raw(messages[ack["next"] // 4000][1] if ack["next"] <= 80000 else b"")
            self.assertEqual(publisher.hello()["next"], 80001)

    # --- incarnations

    def test_a_new_incarnation_is_fenced_in_by_a_hello(self):
        old = self.publisher("phoenix")
        old.publish([trade()] * 150)
        new = self.publisher("phoenix", inc=1)
        ack = new.hello()
        self.assertEqual((ack["inc"], ack["durable"], ack["next"]), (1, 0, 1))
        self.assertEqual(ack["previous"], {"inc": 0, "durable": 150})
        new.publish([trade(id="new")])
        told = old.insist([trade()], 151, "stale_incarnation")
        self.assertEqual((told["inc"], told["credit"]), (0, 0))     # said of the old one; the new one is not held
        self.assertIsNone(new.wait_ack("the incarnation in force", lambda ack: ack["inc"] == 1)["hold"])
        self.assertEqual(new.hello()["next"], 2)

    def test_a_new_incarnation_without_hello_is_held(self):
        self.publisher("hasty").publish([trade()])
        new = self.publisher("hasty", inc=5)
        new.insist([trade()], 1, "hello_required")
        self.assertEqual(new.hello()["previous"], {"inc": 0, "durable": 1})
        self.assertEqual(new.publish([trade()])["durable"], 1)

    def test_fences_and_positions_survive_a_restart(self):
        with Daemon() as daemon:
            first = self.publisher("phoenix", daemon=daemon)
            first.publish([trade()] * 3)
            second = self.publisher("phoenix", 4, daemon)
            second.hello()
            second.publish([trade()] * 2)
            daemon.kill()
            daemon.restart()
            first.insist([trade()], 4, "stale_incarnation")
            ack = self.publisher("phoenix", 4, daemon).hello()
            self.assertEqual((ack["inc"], ack["durable"], ack["next"]), (4, 2, 3))

    # --- holds: a readable envelope with an unacceptable whole

    def hold_cases(self, pub):
        one = [trade()]
        yield "too_many_trades", pack(envelope(pub, 1, [trade(account=None, side=None)] * 8191))
        yield "message_too_large", pack(envelope(pub, 1, [trade(id="i" * 64, venue="v" * 32)] * 7500 + [{"junk": "j" * 200000}]))
        yield "bad_trades", pack(envelope(pub, 1, {"symbol": "X"}))
        yield "bad_trades", pack(envelope(pub, 1, "none"))
        yield "bad_version", pack(envelope(pub, 1, one) | {"v": 2})
        yield "bad_sequence", pack(envelope(pub, 0, one))
        yield "bad_sequence", pack(envelope(pub, 1.0, one))
        yield "bad_sequence", pack(envelope(pub, "1", one))
        yield "bad_sequence", pack(envelope(pub, -1, one))
        yield "bad_sequence", pack(envelope(pub, 2**63, one))
        yield "bad_sequence", pack(envelope(pub, 2**63 - 1, one * 2))
        yield "bad_envelope", pack(envelope(pub, 1, one, colour="blue"))
        yield "bad_envelope", pack({"v": 1, "pub": pub, "inc": 0, "seq": 1})
        yield "bad_envelope", pack(envelope(pub, 1, None))      # nil is as good as not there
        yield "bad_envelope", pack(envelope(pub, 1, one, inc=2**32))
        yield "bad_envelope", pack(envelope(pub, 1, one, inc=-1))
        yield "bad_envelope", b"\x86" + pack(envelope(pub, 1, one))[1:] + pack("seq") + pack(2)
        yield "bad_envelope", b"\x86" + pack(envelope(pub, 1, one))[1:] + pack(5) + pack(2)

    def test_an_unacceptable_whole_is_held_and_consumes_nothing(self):
        for number in range(len(list(self.hold_cases("x")))):
            publisher = self.publisher()
            code, message = list(self.hold_cases(publisher.pub))[number]
            with self.subTest(code=code, number=number):
                publisher.hello()
                publisher.send_raw(message)
                ack = publisher.wait_hold(code)
                self.assertEqual(set(ack["hold"]), {"code", "seq", "why"})
                self.assertEqual((ack["next"], ack["refused_total"]), (1, 0))
                self.assert_still_takes(publisher)

    def test_columns_that_do_not_hold_together_are_held(self):
        good = Columns().envelope("x", 1, [trade(id="i"), trade(id="jj")])

        def spoiled(**columns):
            return good["cols"] | columns
        cases = [
            ("bad_columns", {"cols": spoiled(qty=b"\0" * 15)}),
            ("bad_columns", {"cols": spoiled(colour=b"\0\0")}),
            ("bad_columns", {"cols": {k: v for k, v in good["cols"].items() if k != "price"}}),
            ("bad_columns", {"cols": spoiled(ids=b"ijjj")}),
            ("bad_columns", {"cols": spoiled(qty="text")}),
            ("bad_columns", {"cols": spoiled(), "n": 3}),
            ("bad_names", {"names": ["X", ""]}), ("bad_names", {"names": "X"}), ("bad_names", {"base": 0}),
            ("unknown_name", {"base": 7}), ("bad_names", {"names": ["X", "n" * 65]}),
            ("unknown_name", {"cols": spoiled(symbol=struct.pack("<2I", 1, 99))}),
            ("too_many_trades", {"n": 8191}),
        ]
        for code, change in cases:
            publisher = self.publisher()
            with self.subTest(code=code, change=str(change)[:60]):
                publisher.hello()
                publisher.send_map(good | {"pub": publisher.pub} | change)
                self.assertEqual(publisher.wait_hold(code)["next"], 1)
                publisher.hello()
                publisher.send_map(good | {"pub": publisher.pub})
                self.assertEqual(publisher.wait_durable(2)["hold"], None)

    def test_names_are_forgotten_by_a_restart_and_asked_for(self):
        with Daemon() as daemon:
            publisher, columns = self.publisher(daemon=daemon), Columns()
            publisher.hello()
            publisher.send_map(columns.envelope(publisher.pub, 1, [trade(), trade(symbol="Y")]))
            self.assertEqual(publisher.wait_durable(2)["names"], 3)
            daemon.kill()
            daemon.restart()
            self.assertEqual(publisher.hello()["names"], 0)
            publisher.send_map(columns.envelope(publisher.pub, 3, [trade()]))
            publisher.wait_hold("unknown_name")
            publisher.send_map(columns.envelope(publisher.pub, 3, [trade()], known=0))
            self.assertEqual(publisher.wait_durable(3)["hold"], None)

    # --- garbage

    def garbage(self):
        good = pack(envelope("victim", 1, [trade()] * 3))
        yield from (b"", b"\0", b"\xc1", b"hello", b"\xdd\x05\xf5\xe1\x00", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
                    b"\x81" * 2000, b"\x91" * 5000, good + b"\0", pack([1, 2]), pack("text"), pack(None))
        yield from (good[:length] for length in range(1, len(good), 7))
        yield from (pack(envelope(pub, 1, [trade()])) for pub in ("", "_anon", "_http", "a b", "x" * 33, "é", 5, None))
        yield pack(envelope("victim", 1, [trade()])).replace(b"victim", b"vic\xfftm")
        yield pack({"v": 1, "seq": 1, "trades": [trade()]})
        yield pack({"v": 1, "pub": "victim", "trades": [trade()]}).replace(b"victim", b"vic/im")
        yield pack({"v": 1, "trades": [[[[[[[[[[[[1]]]]]]]]]]]]})
        yield pack({"v": 3, "trades": [trade()]})

    def test_garbage_is_counted_and_the_daemon_lives(self):
        with Daemon() as daemon:
            publisher = self.publisher("good", daemon=daemon)
            publisher.hello()
            sent = 0
            for frame in self.garbage():
                publisher.send_raw(frame)
                sent += 1
            publisher.send_raw(b"two", b"parts")
            publisher.send_raw(pack(envelope("good", 1, [trade()])), b"")
            self.assertGreater(sent, 40)
            ack = publisher.publish([trade(), trade()])
            self.assertEqual((ack["durable"], ack["gap"], ack["hold"], ack["refused_total"]), (2, 0, None, 0))
            victim = self.publisher("victim", daemon=daemon).hello()
            self.assertEqual((victim["next"], victim["refused_total"]), (1, 0))
            daemon.await_line(rf"unreadable messages since the start: {sent + 1}$")
            self.assertEqual(daemon.stop()[0], 0)
            self.assertEqual(len(exported(daemon.data)), 2)

    def test_a_message_above_16_mib_ends_its_connection_alone(self):
        attacker, other = self.publisher(), self.publisher()
        attacker.push.setsockopt(zmq.RECONNECT_IVL, 20)
        attacker.send_raw(b"\xc6" + struct.pack(">I", 17 << 20) + bytes(17 << 20))
        self.assert_still_takes(other)
        self.assert_still_takes(self.publisher())

    def test_five_hostile_bytes_take_no_memory(self):
        with Daemon() as daemon:
            publisher = self.publisher(daemon=daemon)
            publisher.publish([trade()])
            before = memory_kb(daemon.process.pid)
            for _ in range(200):
                publisher.send_raw(b"\xdd\x05\xf5\xe1\x00")
                publisher.send_raw(b"\x84" + pack("v") + b"\x01" + pack("trades") + b"\xdd\x05\xf5\xe1\x00")
            publisher.publish([trade()])
            self.assertLess(memory_kb(daemon.process.pid) - before, 64 << 10)

    # --- without a name

    def test_anonymous_trades_are_taken_once_under_a_name_of_the_daemons(self):
        with Daemon() as daemon:
            publisher = self.publisher(daemon=daemon)
            publisher.hello()
            message = pack({"v": 1, "trades": [trade(), trade(price=0), trade(symbol="Y")]})
            publisher.send_raw(message)
            publisher.send_raw(message)     # nobody can know that this is the same: it counts again
            publisher.publish([trade(symbol="LAST")])
            self.assertEqual(daemon.stop()[0], 0)
            rows = exported(daemon.data)
            anonymous = [row for row in rows if row["pub"] == "_anon"]
            self.assertEqual([row["symbol"] for row in anonymous], ["X", "Y", "X", "Y"])
            self.assertEqual(len({(row["inc"], row["pseq"]) for row in anonymous}), 4)
            self.assertEqual([row["seq"] for row in rows], list(range(1, 6)))

    def test_the_worked_example_of_the_wire_page_over_a_socket(self):
        """The page's own bytes, as a stranger would send them."""
        rows = msgpack.unpackb(page_hex("submission-rows"), raw=False)
        with Daemon() as daemon:
            publisher = self.publisher(rows["pub"], daemon=daemon)
            publisher.hello()
            publisher.send_raw(page_hex("submission-rows"))
            publisher.wait_durable(3)
            publisher.send_raw(page_hex("submission-rows-otherwise"))
            publisher.send_raw(page_hex("submission-columns"))
            publisher.send_raw(page_hex("submission-anonymous"))
            publisher.send_raw(page_hex("submission-names"))
            ack = publisher.wait_ack("names", lambda ack: ack["names"] == 2)
            self.assertEqual((ack["next"], ack["hold"], ack["gap"]), (4, None, 0))


def memory_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def page_hex(name):
    """A frame of protocol/README.md."""
    import os
    import re
    page = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "protocol", "README.md")
    with open(page, encoding="utf-8") as file:
        block = re.search(rf"^```hex {name}\n(.*?)^```", file.read(), re.M | re.S).group(1)
    return bytes.fromhex("".join(line.split("#")[0] for line in block.splitlines()))


if __name__ == "__main__":
    unittest.main()
