# SPDX-License-Identifier: MIT
"""The live feed: durable trades and exposures, sampled."""

import unittest

import msgpack
import zmq

from harness import Daemon, Publisher, trade, wait_until


class Live(unittest.TestCase):
    def test_a_trade_and_its_accounts_exposure_pass_by(self):
        with Daemon(sets={"live/rate": 1000, "exposure/remark": 0}) as daemon, Publisher(daemon, "desk-7") as publisher:
            socket = zmq.Context.instance().socket(zmq.SUB)
            try:
                socket.subscribe(b"")
                socket.connect(daemon.endpoints()["live"])
                seen = {}

                def published_and_seen():
                    # The subscription takes a moment; the feed repeats nothing, so the market goes on until both were seen.
                    publisher.publish([trade(qty=10, price="150.00", account="A")])
                    while socket.poll(50):
                        topic, payload = socket.recv_multipart()
                        seen[topic] = msgpack.unpackb(payload)
                    return {b"trade.X", b"exposure.A"} <= set(seen)

                wait_until("a trade and an exposure on bind/live", published_and_seen)
            finally:
                socket.close(0)
            print_, exposure = seen[b"trade.X"], seen[b"exposure.A"]
            self.assertEqual(list(print_), ["v", "seq", "ts", "symbol", "side", "qty", "price", "account"])
            self.assertEqual((print_["qty"], print_["price"], print_["side"], print_["account"]), ("10", "150", "B", "A"))
            self.assertEqual(list(exposure), ["v", "seq", "ts", "account", "exposure", "gross", "net"])
            self.assertEqual(int(exposure["exposure"]), 10 * 150 * exposure["seq"])
            self.assertEqual(exposure["gross"], exposure["net"])


if __name__ == "__main__":
    unittest.main()
