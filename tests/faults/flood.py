# SPDX-License-Identifier: MIT
"""A publisher that is fast enough to fill a disk, and whose trades nobody has to keep: trade n always is the same.

Most are market prints; every tenth belongs to an account; one of 8,000 is a LARGE_TRADE.
"""

import os
import subprocess
import sys
from array import array

sys.path.insert(0, os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration")))

from harness.daemon import environment, executable     # noqa: E402
from harness.market import Persistent       # noqa: E402
from harness.wire import DAY_NS, pack       # noqa: E402

PERIOD = 8000
STEP_NS = 10_000
NAMES = [f"S{i}" for i in range(7)] + [f"A{i}" for i in range(9)]
LARGE = 20_000


def symbol_of(at):
    return at % 7


def account_of(at):
    return at // 10 % 9 if at % 10 == 0 else None


def qty_of(at):
    return LARGE if at == PERIOD - 1 else 1 + at % 97


def price_of(at):
    return 100 + at % 11


def side_of(at):
    return None if account_of(at) is None else "BS"[at // 90 % 2]


def column(kind, value_of):
    values = array(kind, (value_of(at) for at in range(PERIOD)))
    return (values + values).tobytes(), values.itemsize


COLUMNS = {
    "symbol": column("I", lambda at: 1 + symbol_of(at)),
    "account": column("I", lambda at: 0 if account_of(at) is None else 8 + account_of(at)),
    "side": column("B", lambda at: {None: 0, "B": 1, "S": 2}[side_of(at)]),
    "qty": column("q", lambda at: qty_of(at) * 10**8),
    "price": column("q", lambda at: price_of(at) * 10**8),
}


def ts_of(number):
    return DAY_NS + number * STEP_NS


def message(pub, first, last, known, inc=0):
    """Trades first to last as a columnar message; `known` of the names are known already."""
    count, at = last - first + 1, (first - 1) % PERIOD
    assert count <= PERIOD
    cols = {"ts": array("q", range(ts_of(first), ts_of(last + 1), STEP_NS)).tobytes()}
    for name, (values, width) in COLUMNS.items():
        cols[name] = values[at * width:(at + count) * width]
    cols = {name: cols[name] for name in ("ts", "symbol", "account", "side", "qty", "price")}
    map_ = {"v": 1, "pub": pub, "inc": inc, "seq": first, "n": count}
    if known < len(NAMES):
        map_ |= {"base": known + 1, "names": NAMES[known:]}
    return pack(map_ | {"cols": cols})


class Flood(Persistent):
    """Trades 1, 2, … as fast as they are taken; resends as it must."""

    def __init__(self, daemon, pub="flood", most=1 << 62, batch=PERIOD):
        super().__init__(daemon, pub, columnar=True, batch=batch, most=most)

    def _send_some(self, cursor, known):
        window = min(self.publisher.ack["credit"], 8 * self.batch)
        while cursor < self.durable + window:
            until = min(cursor + self.batch, self.durable + window, self.most,
                        self.sent if self.finishing.is_set() else self.most)
            if until <= cursor:
                break
            self.publisher.send_raw(message(self.pub, cursor + 1, until, known))
            known = len(NAMES)
            cursor = until
            self.sent = max(self.sent, cursor)
        return cursor, known


def check_export(data, pub="flood", least=0):
    """Reads the log back: exactly trades 1 to N of `pub`, in order, each as it was sent. Returns N."""
    run = subprocess.Popen([executable(), "store", "export", "--csv", "--data", data], stdout=subprocess.PIPE,
                           env=environment())
    assert next(run.stdout) == b"seq,pub,inc,pseq,symbol,side,qty,price,ts,account,id,venue,owner,contra,broker,ccy,kind,ref_seq\n"
    halves = [(f"S{symbol_of(at)},{side_of(at) or ''},{qty_of(at)},{price_of(at)}",
               f"{'' if account_of(at) is None else f'A{account_of(at)}'},,,,,,,trade,\n") for at in range(PERIOD)]
    number, mine = 0, f"{pub},".encode()
    for line in run.stdout:
        row = line.partition(b",")[2]
        if row.startswith(mine):
            before, after = halves[number % PERIOD]
            number += 1
            expected = f"{pub},0,{number},{before},{ts_of(number)},{after}".encode()
            assert row == expected, f"trade {number} of {pub} was sent as {expected}, and is {row}"
    run.stdout.close()
    assert run.wait() == 0
    assert number >= least, f"{number} trades are there, {least} were acked"
    return number
