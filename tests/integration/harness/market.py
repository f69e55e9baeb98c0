# SPDX-License-Identifier: MIT
"""Publishers that do what a good client does, in threads, through every kill of the daemon; and a patient subscriber."""

import random
import threading
import time

from harness.waiting import PATIENCE, Deadline
from harness.wire import DAY_NS, Columns, Publisher, Subscriber, envelope, pack, trade, unpack


def made_up(pub, number):
    """The trade that `pub` sends under that number: always the same, so that nobody has to keep it."""
    chance = random.Random(f"{pub} {number}")
    return trade(symbol=chance.choice(("AAPL", "BAC", "IBM", "SPY", "X")), side=chance.choice("BS"),
                 qty=chance.choice((100, 250, 900, 4000, 12000)), price=chance.randint(900, 1100) / 8,
                 account=chance.choice((None, "A1", "A2", "A3", f"{pub}-own")), ts=DAY_NS + number * 40_000_000,
                 id=f"{pub}-{number}")


class Persistent(threading.Thread):
    """Publishes maker(pub, 1), (pub, 2), … until told to finish; resends as protocol/README.md says.

    window: messages under way at most. repeats: how often, of all messages, an old one goes once more for no reason.
    """

    def __init__(self, daemon, pub, columnar=False, batch=40, most=1 << 62, maker=made_up, repeats=0.0, window=20):
        super().__init__(name=pub, daemon=True)
        self.publisher = Publisher(daemon, pub)
        self.columns = Columns() if columnar else None
        self.pub, self.batch, self.most = pub, batch, most
        self.window = window
        self.maker, self.repeats, self.chance = maker, repeats, random.Random(pub)
        self.finishing = threading.Event()
        self.giving_up = threading.Event()  # the test has failed already
        self.moved = threading.Condition()
        self.durable = self.next_seen = 0
        self.sent = 0               # the highest number sent so far
        self.fault = None

    # --- what the test asks

    def wait_progress(self, more, seconds=30):
        """Until so many trades more than now are durable."""
        deadline = Deadline(seconds, f"{more} more durable trades of {self.pub}")
        with self.moved:
            goal = self.durable + more
            while self.durable < goal and self.fault is None:
                self.moved.wait(deadline.left())
        self.check()

    def finish(self, seconds=60):
        """Stops making new trades, waits until all are durable; how many there are."""
        self.finishing.set()
        self.join(seconds * PATIENCE)
        self.check()
        assert not self.is_alive(), f"waited {seconds * PATIENCE} s for {self.pub}: {self.publisher.ack} of {self.sent}"
        return self.sent

    def check(self):
        if self.fault is not None:
            raise self.fault

    # --- the thread

    def run(self):
        try:
            self._publish()
        except Exception as fault:  # pylint: disable=broad-except  -- the test's thread shows it
            with self.moved:
                self.fault = fault
                self.moved.notify_all()
        finally:
            self.publisher.close()

    def _publish(self):
        known = cursor = gap = 0    # names the daemon has; the last number sent since the last resend
        progress_at = hello_at = heard_at = 0.0
        fresh = True                # a hello is due: begin, or a pause without any ack
        last = (0, 0)
        never = Deadline(1e9, "nothing")
        while not (self.giving_up.is_set() or self.finishing.is_set() and self.sent > 0 and self.durable >= self.sent):
            now = time.monotonic()
            if fresh and now - hello_at > 0.2:
                self.publisher.send_hello()
                hello_at = now
            if self.publisher.acks.poll(20):
                ack = self.publisher.hear(never)
                heard_at = now
                hold = ack["hold"]
                if hold and hold["code"] not in ("disk", "unknown_name"):
                    raise AssertionError(f"{self.pub} is held: {ack}")
                self._note(ack)
                if fresh or ack["gap"] > gap or hold or ack["names"] < known:
                    cursor, known = ack["next"] - 1, ack["names"]
                    fresh = False
                gap = ack["gap"]
                if (ack["durable"], ack["next"]) != last:
                    last, progress_at = (ack["durable"], ack["next"]), time.monotonic()
            elif cursor > self.durable and now - progress_at > 1:
                fresh, progress_at = True, now
            elif now - heard_at > 3:        # nothing at all: the daemon was restarted, perhaps
                fresh = True
            if not fresh and self.publisher.ack:
                cursor, known = self._send_some(cursor, known)

    def _note(self, ack):
        with self.moved:
            assert ack["durable"] >= self.durable, f"{self.pub}: durable went back from {self.durable}: {ack}"
            self.durable, self.next_seen = ack["durable"], max(self.next_seen, ack["next"])
            self.moved.notify_all()

    def _send_some(self, cursor, known):
        window = min(self.publisher.ack["credit"], self.window * self.batch)
        while cursor < self.durable + window:
            until = min(cursor + self.batch, self.most, self.sent if self.finishing.is_set() else self.most)
            if until <= cursor:
                break
            trades = [self.maker(self.pub, number) for number in range(cursor + 1, until + 1)]
            if self.columns is None:
                message = envelope(self.pub, cursor + 1, trades)
            else:
                message = self.columns.envelope(self.pub, cursor + 1, trades, known=known)
                known = len(self.columns.names)
            self.publisher.send_raw(pack(message))
            cursor = until
            self.sent = max(self.sent, cursor)
            if self.repeats > 0 and self.chance.random() < self.repeats:
                self._repeat()
        return cursor, known

    def _repeat(self):
        first = self.chance.randint(1, max(1, self.durable))
        until = min(first + self.batch, self.sent)
        again = [self.maker(self.pub, number) for number in range(first, until + 1)]
        message = (envelope(self.pub, first, again) if self.columns is None else
                   self.columns.envelope(self.pub, first, again, known=len(self.columns.names)))
        self.publisher.send_raw(pack(message))


class Watcher(threading.Thread):
    """Keeps every alert record that was ever published, by number; a number that comes twice must come the same.

    exact: to the byte; else without `detected_at`, the one field that is no function of the log.
    """

    def __init__(self, daemon, exact=True):
        super().__init__(daemon=True)
        self.subscriber = Subscriber(daemon, "alert.", "head.")
        self.stopping = threading.Event()
        self.seen, self.heads, self.fault, self.exact = {}, [], None, exact

    def same(self, one, other):
        if self.exact or one == other:
            return one == other
        return {**unpack(one), "detected_at": 0} == {**unpack(other), "detected_at": 0}

    def run(self):
        while not self.stopping.is_set():
            if not self.subscriber.socket.poll(50):
                continue
            topic, said, raw = self.subscriber.hear(Deadline(5, "a message that is there"))
            if topic == "head.":
                self.heads.append(said)
            elif not self.same(self.seen.setdefault(said["n"], raw), raw):
                self.fault = f"alert {said['n']} was published twice, with a difference: {said}"
        self.subscriber.close()

    def finish(self):
        self.stopping.set()
        self.join(10)
        assert self.fault is None, self.fault
        return self.seen
