#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A subscriber to alerts in Python: each alert once and in order, in a single file to read.

    alerts.py                     what is recorded, then what comes
    alerts.py --after 1200        behind number 1200; keep the last n to go on another day
    alerts.py --once              what is recorded, then ends

Needs pyzmq and msgpack (Debian: python3-zmq python3-msgpack). Prints one JSON object a line. The class Subscriber is what
to copy.

The one idea: PUB drops for whoever is slow or away, but every alert has a dense number n. A hole in n, or a head whose
`last` is above ours, shows that something is missing; then we ask for it (PUSH a request, answers come under a topic of
our own), and hand out nothing behind the hole before it is filled. That needs all alerts: filter after, not before.
A head that knows less than we do is an old one, or the daemon has another history: see on_head.
"""

import argparse
import json
import secrets
import sys
import time

import msgpack
import zmq

QUEUE = 10_000  # alerts that may wait for us to read them; the daemon drops what comes beyond, and we ask for the hole
LIMIT = 500  # answers to one request: half of a default high-water mark
PROBE_EVERY = 0.1  # seconds, until a first answer proves that the subscription stands
PATIENCE = 1.0  # seconds without an answer, then ask again
UNDER_WAY = 0.5  # what a head knows may still be coming


class Lost(Exception):
    """The daemon has fewer alerts than we: what it raises up to our n would be dropped as known."""


class Subscriber:
    """Iterate over it: alerts, as dicts, in order of n."""

    def __init__(self, alerts="tcp://127.0.0.1:7703", requests="tcp://127.0.0.1:7705", after=0, follow=True):
        self.last = after  # n of the newest alert handed out
        self.follow = follow
        self.topic = f"replay.{secrets.token_hex(12)}."  # nobody else's
        context = zmq.Context.instance()
        self.sub = context.socket(zmq.SUB)
        self.sub.setsockopt(zmq.RCVHWM, QUEUE if follow else 0)  # requests bound answers by themselves
        for topic in ("alert.", "head.", self.topic):
            self.sub.setsockopt_string(zmq.SUBSCRIBE, topic)
        self.sub.connect(alerts)
        self.push = context.socket(zmq.PUSH)
        self.push.setsockopt(zmq.IMMEDIATE, 1)
        self.push.setsockopt(zmq.LINGER, 100)
        self.push.connect(requests)

        self.wanted = True  # something is missing: at first whatever is recorded
        self.asked_after = None  # the `after` of the request under way
        self.ask_again_at = 0.0
        self.proven = False  # an answer has come
        self.behind = None  # (n that a head knows and we do not, when to worry)
        self.doubted = False  # a head knew less than we; until a probe has ended
        self.probing = False  # the request under way asks for the newest that we have
        self.denied = 0  # probes in a row that found nothing there
        self.newest = 0  # what the last head said
        self.heard_at = None
        self.done = False

    def __iter__(self):
        while not self.done:
            self.ask()
            if not self.sub.poll(100):
                yield None  # nothing came; a chance to look at the clock
                continue
            topic, body = self.sub.recv_multipart()
            self.heard_at = time.monotonic()
            alert = self.take(topic.decode("utf-8", "replace"), msgpack.unpackb(body))
            if alert is not None:
                yield alert

    def take(self, topic, message):
        """An alert to hand out, or None."""
        now = time.monotonic()
        if topic == "head.":
            self.on_head(message["last"], now)
        elif "end" in message:
            self.on_end(message)
        elif "n" in message:
            if topic == self.topic:
                self.proven = True
                self.ask_again_at = now + PATIENCE
            if message["n"] == self.last + 1:
                self.last += 1
                return message
            if message["n"] > self.last + 1:
                self.wanted = True  # a hole. Dropped: the answer to our request brings it again, in order
        return None

    def on_head(self, last, now):
        self.newest = last
        if last > self.last and self.behind is None:
            self.behind = (last, now + UNDER_WAY)
        if not self.follow:
            return
        if last < self.last:  # may be an old one, sent again while alerts wait: does the daemon have what we have?
            self.doubted = True
        else:
            self.denied = 0

    def on_end(self, end):
        if end.get("error"):
            raise RuntimeError(f"the daemon refuses our request: {end['error']}")
        if end["end"] != self.asked_after:
            return  # of a request that we gave up
        self.asked_after = None
        self.proven = True
        if self.probing:
            self.probing = self.doubted = False
            self.denied = 0 if end["more"] or end["last"] > end["end"] else self.denied + 1
            if self.denied >= 2:  # once may be an old end
                raise Lost(f"the daemon has only {self.newest} alerts, we are at {self.last}; does it run on another data "
                           "directory?")
            return
        # `last` above ours: answers got lost on the way. `more`: the limit cut them.
        self.wanted = end["more"] or end["last"] > self.last
        self.done = not self.follow and not self.wanted

    def ask(self):
        now = time.monotonic()
        if self.behind is not None:
            last, worry_at = self.behind
            if last <= self.last:
                self.behind = None
            elif now >= worry_at:
                self.behind, self.wanted = None, True
        if not (self.wanted or self.doubted) or (self.asked_after is not None and now < self.ask_again_at):
            return
        self.probing = self.doubted
        self.asked_after = self.last - self.probing
        self.ask_again_at = now + (PATIENCE if self.proven else PROBE_EVERY)
        request = {"v": 1, "get": "alerts", "after": self.asked_after,
                   "limit": LIMIT if self.proven and not self.probing else 1, "topic": self.topic}
        try:
            self.push.send(msgpack.packb(request), zmq.NOBLOCK)
        except zmq.Again:
            pass  # no connection yet: we ask again anyway

    def close(self):
        self.sub.close(0)
        self.push.close()


def main():
    parser = argparse.ArgumentParser(description="Print Tapewarden's alerts, one JSON object a line.")
    parser.add_argument("--after", type=int, default=0, help="only alerts with a higher n")
    parser.add_argument("--once", action="store_true", help="end when what is recorded has been printed")
    parser.add_argument("--type", help="only of this type")
    parser.add_argument("--severity", help="only of this severity")
    parser.add_argument("--alerts", default="tcp://127.0.0.1:7703")
    parser.add_argument("--requests", default="tcp://127.0.0.1:7705")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds to wait for a first sign of the daemon")
    options = parser.parse_args()
    subscriber = Subscriber(options.alerts, options.requests, options.after, not options.once)
    until = time.monotonic() + options.timeout
    try:
        for alert in subscriber:
            if alert is None:
                sys.stdout.flush()
                if subscriber.heard_at is None and time.monotonic() > until:
                    print("alerts.py: nobody answers; is the daemon running?", file=sys.stderr)
                    return 3
            elif options.type in (None, alert["type"]) and options.severity in (None, alert["severity"]):
                print(json.dumps(alert, ensure_ascii=False))
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    except Lost as lost:
        print(f"alerts.py: {lost}", file=sys.stderr)
        return 3
    finally:
        subscriber.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
