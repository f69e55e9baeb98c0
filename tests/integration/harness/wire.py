# SPDX-License-Identifier: MIT
"""A small client, written from protocol/README.md: a publisher, a subscriber to alerts, a catch-up."""

import struct
import time

import msgpack
import zmq

from harness.waiting import Deadline

DAY_NS = 1381190400_000000000       # 2013-10-08T00:00:00Z: far from the wall clock, so that no idle clock ticks


def trade(symbol="X", side="B", qty=1, price=1, account="A", ts=DAY_NS, **more):
    """A trade; None leaves a field out."""
    fields = {"symbol": symbol, "side": side, "qty": qty, "price": price, "ts": ts, "account": account} | more
    return {name: value for name, value in fields.items() if value is not None}


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


def envelope(pub, seq, trades, inc=0, **more):
    return {"v": 1, "pub": pub, "inc": inc, "seq": seq, "trades": trades} | more


def unpack(raw):
    return msgpack.unpackb(raw, raw=False, strict_map_key=True)


class Publisher:
    """One publisher's sockets. Sends what it is told, right or wrong, and hears every ack."""

    def __init__(self, daemon, pub, inc=0):
        self.pub, self.inc = pub, inc
        self.context = zmq.Context()
        self.acks = self._socket(zmq.SUB, daemon.doors["acks"])
        self.acks.subscribe(f"ack.{pub}.".encode())
        self.push = self._socket(zmq.PUSH, daemon.doors["trades"])
        self.push.sndhwm = 0
        self.ack = None         # the newest
        self.next_seq = 1       # of the next send()

    def _socket(self, kind, where):
        socket = self.context.socket(kind)
        socket.linger = 0
        socket.reconnect_ivl = 20
        socket.reconnect_ivl_max = 200
        socket.connect(where)
        return socket

    def close(self):
        self.context.destroy(linger=0)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    # --- sending

    def send_raw(self, *parts):
        self.push.send_multipart(parts)

    def send_map(self, value):
        self.send_raw(pack(value))

    def send(self, trades, seq=None):
        """Trades in row form under the next numbers, or from `seq` on."""
        if seq is None:
            seq, self.next_seq = self.next_seq, self.next_seq + len(trades)
        self.send_map(envelope(self.pub, seq, trades, self.inc))

    def send_hello(self):
        self.send_map(envelope(self.pub, 1, [], self.inc))

    # --- hearing

    def hear(self, deadline):
        """The next ack; checks what every ack must be."""
        if not self.acks.poll(deadline.left_ms()):
            deadline.left()
            return None
        topic, raw = self.acks.recv_multipart()
        assert topic == f"ack.{self.pub}.".encode(), topic
        ack = unpack(raw)
        assert ack["v"] == 1 and ack["pub"] == self.pub, ack
        assert ack["durable"] < ack["next"], ack
        self.ack = ack
        return ack

    def wait_ack(self, what, condition, seconds=10):
        """The first ack from now on that fulfils the condition."""
        deadline = Deadline(seconds, f"an ack of {self.pub}: {what}")
        try:
            while True:
                ack = self.hear(deadline)
                if ack is not None and condition(ack):
                    return ack
        except TimeoutError as late:
            raise TimeoutError(f"{late}; the newest was {self.ack}") from None

    def drain(self):
        """Forgets the acks that have arrived so far."""
        while self.acks.poll(0):
            self.acks.recv_multipart()

    def hello(self, seconds=20):
        """Says hello until an ack of this incarnation, or above it, comes. Returns it."""
        deadline = Deadline(seconds, f"the answer to the hello of {self.pub}")
        while True:
            self.send_hello()
            again = time.monotonic() + 1
            while time.monotonic() < again:
                deadline.left()
                if self.acks.poll(50):
                    ack = self.hear(deadline)
                    if ack is not None and ack["inc"] >= self.inc:
                        self.next_seq = ack["next"]
                        return ack

    def wait_durable(self, seq=None, seconds=10):
        """Until `seq`, or everything sent, is durable."""
        seq = self.next_seq - 1 if seq is None else seq
        if self.ack is not None and self.ack["inc"] == self.inc and self.ack["durable"] >= seq:
            return self.ack
        return self.wait_ack(f"durable {seq}", lambda ack: ack["inc"] == self.inc and ack["durable"] >= seq, seconds)

    def wait_hold(self, code, seconds=10):
        return self.wait_ack(f"hold {code}", lambda ack: ack["hold"] and ack["hold"]["code"] == code, seconds)

    def insist(self, trades, seq, code, seconds=20):
        """Sends once a second until the hold comes: it is said once, and a subscription takes a moment."""
        deadline = Deadline(seconds, f"hold {code} for {self.pub}")
        while True:
            self.send(trades, seq)
            again = time.monotonic() + 1
            while time.monotonic() < again:
                deadline.left()
                if self.acks.poll(50):
                    ack = self.hear(deadline)
                    if ack is not None and ack["hold"] and ack["hold"]["code"] == code:
                        return ack

    def publish(self, trades, seconds=20):
        """Hello if there was none, then the trades in messages of 500, and waits until they are durable."""
        if self.ack is None:
            self.hello()
        for at in range(0, len(trades), 500):
            self.send(trades[at:at + 500])
        return self.wait_durable(seconds=seconds)


class Columns:
    """The columnar form: names get numbers in the order in which they are met."""

    WIDTHS = {"ts": "q", "symbol": "I", "account": "I", "side": "B", "qty": "q", "price": "q", "kind": "B"}

    def __init__(self):
        self.ids, self.names, self.sent = {}, [], 0

    def number(self, name):
        if name is None:
            return 0
        if name not in self.ids:
            self.names.append(name)
            self.ids[name] = len(self.names)
        return self.ids[name]

    def envelope(self, pub, seq, trades, inc=0, known=None):
        """Trades as a columnar message with the names beyond those that are `known` (default: those sent before)."""
        columns = {name: [] for name in self.WIDTHS if name != "kind"} | {"venue": []}
        ids = []
        for row in trades:
            columns["ts"].append(row.get("ts", 0))
            columns["symbol"].append(self.number(row["symbol"]))
            columns["account"].append(self.number(row.get("account")))
            columns["venue"].append(self.number(row.get("venue")))
            columns["side"].append({None: 0, "B": 1, "S": 2}[row.get("side")])
            columns["qty"].append(round(row["qty"] * 10**8))
            columns["price"].append(round(row["price"] * 10**8))
            ids.append(row.get("id", "").encode())
        widths = self.WIDTHS | {"venue": "I"}
        cols = {name: struct.pack(f"<{len(trades)}{widths[name]}", *values) for name, values in columns.items()}
        if any(ids):
            cols |= {"idl": bytes(map(len, ids)), "ids": b"".join(ids)}
        known = self.sent if known is None else known
        message = {"v": 1, "pub": pub, "inc": inc, "seq": seq, "n": len(trades)}
        if known < len(self.names):
            message |= {"base": known + 1, "names": self.names[known:]}
        self.sent = len(self.names)
        return message | {"cols": cols}


class Subscriber:
    """Everything on bind/alerts under some topics."""

    def __init__(self, daemon, *topics):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.rcvhwm = 0
        self.socket.reconnect_ivl = 20
        self.socket.reconnect_ivl_max = 200
        for topic in topics or ("alert.", "head."):
            self.socket.subscribe(topic.encode())
        self.socket.connect(daemon.doors["alerts"])

    def close(self):
        self.context.destroy(linger=0)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def hear(self, deadline):
        """(topic, map, raw) or None."""
        if not self.socket.poll(deadline.left_ms()):
            deadline.left()
            return None
        topic, raw = self.socket.recv_multipart()
        return topic.decode(), unpack(raw), raw

    def joined(self, seconds=10):
        """Until the subscription is in force: a head, which comes once a second, arrives. Returns it."""
        deadline = Deadline(seconds, "a first head")
        while True:
            heard = self.hear(deadline)
            if heard and heard[0] == "head.":
                return heard[1]

    def wait_head(self, what, condition, seconds=15):
        deadline = Deadline(seconds, f"a head: {what}")
        newest = None
        try:
            while True:
                heard = self.hear(deadline)
                if heard and heard[0] == "head.":
                    newest = heard[1]
                    if condition(newest):
                        return newest
        except TimeoutError as late:
            raise TimeoutError(f"{late}; the newest was {newest}") from None

    def wait_alerts(self, count, seconds=10):
        """The next `count` alerts as (topic, map, raw)."""
        deadline = Deadline(seconds, f"{count} alerts")
        alerts = []
        try:
            while len(alerts) < count:
                heard = self.hear(deadline)
                if heard and heard[0].startswith("alert."):
                    alerts.append(heard)
        except TimeoutError as late:
            said = [f"{a['n']} {a['event']} {a['type']}" for _, a, _ in alerts]
            raise TimeoutError(f"{late}; there were {len(alerts)}: {said[-20:]}") from None
        return alerts


class Catchup:
    """Asks bind/requests, hears the answers."""

    def __init__(self, daemon, name="test"):
        self.topic = f"replay.{name}."
        self.subscriber = Subscriber(daemon, self.topic)
        self.push = self.subscriber.context.socket(zmq.PUSH)
        self.push.linger = 0
        self.push.connect(daemon.doors["requests"])
        self.heard_a_head = False

    def close(self):
        self.subscriber.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def ask(self, get, after=0, limit=1000, seconds=20, **more):
        """(answers as (map, raw), end). Asks again without an end within a second, and when some are missing, as the
        page says: a subscription that is young misses the first ones. With a filter nothing shows that; so waits for a
        head first."""
        deadline = Deadline(seconds, f"the end of the answer to {get} after {after}")
        request = {"v": 1, "get": get, "after": after, "limit": limit, "topic": self.topic} | more
        filtered = any(value is not None for value in more.values())
        if filtered and not self.heard_a_head:
            self.subscriber.socket.subscribe(b"head.")
            self.subscriber.joined()
            self.subscriber.socket.unsubscribe(b"head.")
            self.heard_a_head = True
        answers = {}
        while True:
            self.push.send(pack({key: value for key, value in request.items() if value is not None}))
            end = self.hear_answers(answers, {"alerts": "n", "refusals": "r", "actions": "h"}[get], after, deadline)
            if end and (filtered or sorted(answers) == list(range(after + 1, end["last"] + 1))):
                return [answers[number] for number in sorted(answers)], end

    def hear_answers(self, answers, number, after, deadline):
        """Until the end, which is returned, or a second of silence: None."""
        again = time.monotonic() + 1
        while time.monotonic() < again:
            deadline.left()
            if not self.subscriber.socket.poll(50):
                continue
            again = time.monotonic() + 1
            topic, answer, raw = self.subscriber.hear(deadline)
            if topic == "head.":
                continue
            assert topic == self.topic, topic
            if "end" not in answer:
                answers[answer[number]] = (answer, raw)
            elif answer["end"] == after:
                return answer
        return None

    def everything(self, get="alerts", limit=10000, **more):
        """All answers, page by page."""
        answers, after = [], 0
        while True:
            page, end = self.ask(get, after, limit, **more)
            answers += page
            if not end["more"]:
                return answers
            assert end["last"] > after, end
            after = end["last"]
