# SPDX-License-Identifier: MIT
"""PUB feeds, which may lose: what is missing is recorded and raises FEED_GAP, and the feed goes on."""

import unittest

import zmq

from harness import Catchup, Daemon, Publisher, Scratch, Subscriber, envelope, pack, trade, wait_until
from harness.verdict import exported


class Feed:
    """A feed: PUB, bound here; the daemon connects."""

    def __init__(self):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.XPUB)     # XPUB: it hears when the daemon has subscribed
        self.socket.linger = 0
        self.where = f"tcp://127.0.0.1:{self.socket.bind_to_random_port('tcp://127.0.0.1', 20000, 32000)}"

    def await_subscriber(self):
        wait_until("the daemon's subscription", lambda: self.socket.poll(0) and self.socket.recv() == b"\x01", seconds=15)

    def come_and_go(self):
        """The feed's process dies and comes again under the same address."""
        self.context.destroy(linger=0)
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.XPUB)
        self.socket.linger = 0
        wait_until("the address to be free", self._bound)
        self.await_subscriber()

    def _bound(self):
        try:
            self.socket.bind(self.where)
            return True
        except zmq.ZMQError:
            return False

    def send(self, pub, seq, trades, topic=b"trades."):
        self.socket.send_multipart([topic, pack(envelope(pub, seq, trades))])

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.context.destroy(linger=0)


class Feeds(unittest.TestCase):
    def judged(self, subscriber, count):
        return subscriber.wait_head(f"{count} trades judged", lambda head: head["durable"] == count)

    def test_a_gap_is_an_alert_and_the_feed_goes_on(self):
        with Feed() as feed, Daemon(feeds={"lossy": feed.where}) as daemon, Subscriber(daemon) as subscriber:
            subscriber.joined()
            feed.await_subscriber()
            feed.send("exchange", 1, [trade(id="1"), trade(id="2")])
            feed.send("exchange", 6, [trade(id="6")])               # 3, 4, 5 were lost
            feed.send("exchange", 7, [trade(id="7")])
            feed.send("exchange", 6, [trade(id="6"), trade(id="7"), trade(id="8")])
            [(topic, alert, _)] = subscriber.wait_alerts(1)
            self.assertEqual((alert["type"], alert["event"], alert["entity_type"], alert["entity"]),
                             ("FEED_GAP", "fire", "PUBLISHER", "exchange"))
            self.assertEqual(topic, f"alert.{alert['severity']}.FEED_GAP.exchange")
            self.assertEqual(alert["value"], 3)
            self.assertIn("3", alert["message"])
            head = self.judged(subscriber, 5)
            self.assertEqual(head["last"], 1)
            daemon.kill()                                           # it is part of the log
            daemon.restart()
            with Catchup(daemon) as catchup:
                self.assertEqual([a for a, _ in catchup.everything()], [alert])
            self.assertEqual(subscriber.joined()["digest"], head["digest"])
            self.assertEqual(daemon.stop()[0], 0)
            self.assertEqual([row["id"] for row in exported(daemon.data)], ["1", "2", "6", "7", "8"])

    def test_a_name_is_a_publisher_s_or_a_feed_s_for_good(self):
        """Through kills, and whoever is heard first afterwards: a gap of the feed would else say what is not durable."""
        with Feed() as feed, Daemon(feeds={"lossy": feed.where}) as daemon, Subscriber(daemon) as subscriber, \
                Publisher(daemon, "desk-7") as desk, Publisher(daemon, "exchange") as intruder:
            feed.await_subscriber()
            subscriber.joined()
            desk.publish([trade(id="d1")])
            feed.send("exchange", 1, [trade(id="e1")])
            self.judged(subscriber, 2)
            for _ in range(2):
                daemon.kill()
                daemon.restart()
                wait_until("the feed's message to be dropped", lambda: feed.send("desk-7", 500, [trade()]) or
                           "publisher desk-7 sends by PUSH itself" in daemon.said(), seconds=15)
                told = intruder.insist([trade()], 2, "name_of_a_feed")
                self.assertEqual((told["durable"], told["next"], told["credit"]), (0, 1, 0))
            self.assertEqual(desk.hello()["next"], 2)
            desk.publish([trade(id="d2")])
            feed.send("exchange", 2, [trade(id="e2")])
            self.assertEqual(self.judged(subscriber, 4)["last"], 0)

    def test_a_feed_that_is_joined_in_the_middle(self):
        """What was sent before the daemon listened is a gap like any other."""
        with Feed() as feed, Daemon(feeds={"lossy": feed.where}) as daemon, Subscriber(daemon) as subscriber:
            subscriber.joined()
            feed.await_subscriber()
            feed.send("exchange", 1001, [trade(id="1001")])
            self.judged(subscriber, 1)
            feed.send("exchange", 1002, [trade(id="1002")])
            head = self.judged(subscriber, 2)
            self.assertLessEqual(head["last"], 1)

    def test_garbage_on_a_feed_and_a_feed_that_comes_and_goes(self):
        with Feed() as feed, Daemon(feeds={"one": feed.where}) as daemon, Subscriber(daemon) as subscriber:
            feed.await_subscriber()
            for parts in ([b"topic"], [b"topic", b"\xdd\x05\xf5\xe1\x00"], [b"a", b"b", b"c"], [b"", b""]):
                feed.socket.send_multipart(parts)
            feed.send("exchange", 1, [trade(), trade(price=0), trade()])
            self.judged(subscriber, 2)
            feed.come_and_go()
            feed.send("exchange", 4, [trade()])
            self.assertEqual(self.judged(subscriber, 3)["last"], 0)

    def test_a_wrong_feed_is_refused_at_the_start(self):
        from harness import run_tool
        with Scratch() as scratch:
            for where in ("nonsense", "tcp://127.0.0.1", "udp://127.0.0.1:5"):
                done = run_tool("run", "--data", scratch.path("data"), "--set", f"feeds/one={where}")
                self.assertEqual(done.code, 2, done)
                self.assertIn("feeds/", done.err)
                self.assertIn(where, done.err)


if __name__ == "__main__":
    unittest.main()
