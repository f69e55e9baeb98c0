#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A publisher in Python: everything protocol/README.md asks of one, in a single file to read.

    publisher.py --as desk-7 trades.csv         CSV with a header of trade fields; - reads standard input

Needs pyzmq and msgpack (Debian: python3-zmq python3-msgpack). The class Publisher is what to copy; the rest feeds it.

The one idea: PUSH saying "sent" means nothing. What counts is the ack: {"durable", "next", "gap", "credit", ...}, a
standing that says everything and may be lost without harm. So every trade is kept until `durable` has passed it, and
sent again from `next` whenever the standing shows that something got lost.
"""

import argparse
import csv
import sys
import time
from collections import deque

import msgpack
import zmq

BATCH = 500  # trades in a message; at most 8,190, and 1 MiB
HELLO_EVERY = 0.1  # seconds, until the first ack: a subscription takes a moment
PATIENCE = 1.0  # seconds without progress before sending again
PAUSE = 0.1  # between two answers to a risen gap: one loss raises it for each message behind

# Waiting is all these holds need; every other one is for a person to see.
PASSING_HOLDS = {"disk", "unknown_name", "hello_required"}
HELLO_HOLDS = {"stale_incarnation", "name_of_a_feed", "too_many_publishers"}  # the answer to the hello itself


class Held(Exception):
    """The daemon does not take what we send; a person must decide."""


class Publisher:
    """Row form, one incarnation. add() numbers and queues; wait() returns when all of it is durable or refused."""

    def __init__(self, name, trades="tcp://127.0.0.1:7701", acks="tcp://127.0.0.1:7702", incarnation=0):
        self.name, self.incarnation = name, incarnation
        context = zmq.Context.instance()
        # Listen first. The dot at the end matters: SUB matches prefixes, and `ack.desk-7` would also hear desk-70.
        self.sub = context.socket(zmq.SUB)
        self.sub.setsockopt_string(zmq.SUBSCRIBE, f"ack.{name}.")
        self.sub.connect(acks)
        self.push = context.socket(zmq.PUSH)
        self.push.setsockopt(zmq.IMMEDIATE, 1)  # queue nothing for a connection that is not there
        self.push.setsockopt(zmq.SNDHWM, 64)
        self.push.setsockopt(zmq.LINGER, 2000)
        # After a reconnection something may be missing: the monitor tells.
        self.monitor = self.push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        self.push.connect(trades)
        self.connections = 0

        self.standing = None  # the latest ack
        self.first = None  # number of our first trade
        self.kept = deque()  # (number, trade), oldest first: not durable yet
        self.last = 0  # number of the newest one added
        self.sent = 0  # number of the newest one sent
        self.refused_told = 0
        self.greeting = True  # a hello is to be answered before anything else goes out
        self.hello_at = 0.0
        self.progress_at = time.monotonic()
        self.resent_at = 0.0
        self.gap_pending = False

    # ---- what a user calls ----

    def start(self, timeout=5.0):
        """Says hello until an ack answers; numbers go on at the daemon's `next`."""
        until = time.monotonic() + timeout
        while self.greeting:
            if time.monotonic() > until:
                raise TimeoutError("the daemon does not answer")
            self.pump(0.05)
        if self.first is None:
            self.first = self.standing["next"]
            self.last = self.sent = self.first - 1
            self.refused_told = self.first - 1

    def add(self, trade):
        """Takes one trade: a dict of the row form's keys. Waits when too much is under way."""
        while len(self.kept) >= max(self.standing["credit"], BATCH):
            self.pump(0.05)
        self.last += 1
        self.kept.append((self.last, trade))
        if self.last - self.sent >= BATCH:
            self.pump(0)

    def wait(self):
        """Until everything added is on the daemon's disk, or refused."""
        while self.kept:
            self.pump(0.05)

    # ---- the conversation ----

    def pump(self, seconds):
        """Sends what may go, then reads what comes within so many seconds."""
        self.watch_connection()
        self.send_what_may()
        if self.sub.poll(int(seconds * 1000)):
            while True:
                try:
                    _topic, body = self.sub.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                self.on_ack(msgpack.unpackb(body))

    def watch_connection(self):
        """A connection after the first one: greet again, and go on from what the answer says."""
        while self.monitor.poll(0):
            self.monitor.recv_multipart()
            self.connections += 1
            if self.connections > 1:
                self.greeting = True

    def on_ack(self, ack):
        if ack["pub"] != self.name or ack["inc"] < self.incarnation:
            return  # not ours, or of an earlier incarnation
        if ack["inc"] > self.incarnation:
            raise Held(f"incarnation {ack['inc']} of {self.name} has taken over")
        before, hold = self.standing, ack["hold"]
        if hold and hold["code"] not in PASSING_HOLDS:
            if self.greeting and hold["code"] not in HELLO_HOLDS:
                return  # an earlier message earned it; our hello lifts it
            raise Held(f"{hold['code']} at number {hold['seq']}: {hold['why']}")
        if before and ack["durable"] < before["durable"]:
            raise Held("the daemon knows less than it had acked; does it run on another data directory?")
        if self.kept and ack["next"] < self.kept[0][0]:
            raise Held("the daemon lost trades that an earlier sender had not seen acked")
        self.standing = ack
        while self.kept and self.kept[0][0] <= ack["durable"]:
            self.kept.popleft()
        # What was to go out again, and is durable by an earlier copy, need not.
        self.sent = max(self.sent, min(ack["durable"], self.last))
        self.tell_refusals(ack)
        if hold and hold["code"] == "hello_required":
            self.greeting = True
        elif self.greeting:
            self.greeting = False
            self.rewind()
        elif before and ack["next"] < before["next"]:
            self.rewind()  # the daemon was restarted: what was not durable is gone, and gap begins from 0
        elif before and ack["gap"] > before["gap"]:
            self.gap_pending = True
        elif before and ack["next"] > before["next"]:
            self.gap_pending = False  # what is taken behind a gap shows that the resend works
        if not before or (ack["durable"], ack["next"]) != (before["durable"], before["next"]):
            self.progress_at = time.monotonic()

    def rewind(self):
        """What the daemon has not taken goes out again."""
        self.sent = max(self.standing["next"] - 1, self.kept[0][0] - 1 if self.kept else self.last)
        self.sent = min(self.sent, self.last)
        self.gap_pending = False
        self.resent_at = self.progress_at = time.monotonic()

    def send_what_may(self):
        now = time.monotonic()
        if self.greeting:
            if now >= self.hello_at and self.send(1, []):
                self.hello_at = now + HELLO_EVERY
            return
        held = self.standing["hold"] is not None and self.standing["hold"]["code"] == "disk"
        if held:
            self.progress_at = now  # wait; it goes on by itself
            return
        if self.gap_pending and now - self.resent_at >= PAUSE:
            self.rewind()
        if self.kept and self.sent >= self.kept[0][0] and now - self.progress_at >= PATIENCE:
            self.rewind()
        # Credit: nothing above durable + credit.
        limit = min(self.last, self.standing["durable"] + self.standing["credit"])
        while self.sent < limit:
            start = self.sent + 1 - self.kept[0][0]
            count = min(BATCH, limit - self.sent)
            trades = [self.kept[start + i][1] for i in range(count)]
            if not self.send(self.sent + 1, trades):
                return  # the socket is full: next time
            if self.sent < self.kept[0][0]:
                self.progress_at = now  # the first under way: patience begins
            self.sent += count

    def send(self, number, trades):
        message = {"v": 1, "pub": self.name, "inc": self.incarnation, "seq": number, "trades": trades}
        try:
            self.push.send(msgpack.packb(message), zmq.NOBLOCK)
            return True
        except zmq.Again:
            return False

    def tell_refusals(self, ack):
        for refused in ack["refused"]:
            if self.first is not None and refused["seq"] > self.refused_told:
                self.refused_told = refused["seq"]
                print(f"trade {refused['seq']} refused: {refused['code']}: {refused['why']}", file=sys.stderr)

    def close(self):
        self.push.disable_monitor()
        self.monitor.close(0)
        self.push.close()
        self.sub.close(0)


def trade_of(row):
    """A row of CSV as a trade. Amounts stay decimal strings: they are exact, and floats may not be."""
    trade = {key: value for key, value in row.items() if value not in ("", None)}
    if "ts" in trade:
        trade["ts"] = int(trade["ts"])  # an integer of nanoseconds; never a float
    return trade


def main():
    parser = argparse.ArgumentParser(description="Publish a CSV of trades to Tapewarden.")
    parser.add_argument("file", help="CSV with a header such as ts,symbol,side,qty,price,account,venue,id; - is stdin")
    parser.add_argument("--as", dest="name", required=True, help="publisher's name: 1-32 of A-Za-z0-9_-")
    parser.add_argument("--inc", type=int, default=0, help="its incarnation")
    parser.add_argument("--trades", default="tcp://127.0.0.1:7701")
    parser.add_argument("--acks", default="tcp://127.0.0.1:7702")
    options = parser.parse_args()
    try:
        file = sys.stdin if options.file == "-" else open(options.file, newline="", encoding="utf-8")
    except OSError as error:
        print(f"publisher.py: {error}", file=sys.stderr)
        return 3
    publisher = Publisher(options.name, options.trades, options.acks, options.inc)
    try:
        publisher.start()
        rows = csv.DictReader(file)
        for row in rows:
            try:
                trade = trade_of(row)
            except ValueError as error:
                publisher.wait()  # what was read before is good
                raise ValueError(f"{options.file}:{rows.line_num}: column ts: {error}") from None
            publisher.add(trade)
        publisher.wait()
    except TimeoutError as error:
        print(f"publisher.py: {error}", file=sys.stderr)
        return 3
    except (Held, ValueError) as error:
        print(f"publisher.py: {error}", file=sys.stderr)
        return 4
    finally:
        publisher.close()
    print(f"{options.name}: {publisher.last - publisher.first + 1} trades durable", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
