"""Reading a tape: CSV or JSON lines in, checked submissions out."""

import csv
import gzip
import io
import json
import re
import unicodedata

from amounts import (EARLIEST, INT64_MAX, Refused, notional_of, parse_amount)

FIELDS = ("ts", "symbol", "side", "qty", "price", "account", "venue", "id", "owner",
          "contra", "broker", "ccy", "kind", "ref")
ENVELOPE = ("pub", "inc", "pseq")
SIDES = {"b": 1, "buy": 1, "s": -1, "sell": -1}

_SYMBOL = re.compile(r"[\x21-\x7e]{1,32}")
_WHOLE = re.compile(r"[0-9]+", re.ASCII)


class Checked:
    """An acceptable submission, its fields in market terms."""

    __slots__ = ("kind", "ts", "symbol", "account", "side", "qty", "price",
                 "notional", "id", "ref")


def rows(path):
    """Every row of a tape as a dict; empty CSV cells are absent fields."""
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8", errors="surrogateescape", newline="")
        if ".json" in path or path.endswith(".ndjson"):
            yield from (json.loads(line) for line in text if line.strip())
        else:
            yield from _csv_rows(text)


def _csv_rows(text):
    table = csv.reader(text)
    header = next(table)
    unknown = [name for name in header if name not in FIELDS + ENVELOPE]
    if unknown:
        raise ValueError(f"unknown column {unknown[0]!r}")
    for cells in table:
        if cells:
            row = {name: cell for name, cell in zip(header, cells) if cell != ""}
            for name in ("ts", "inc", "pseq"):
                if name in row and _WHOLE.fullmatch(row[name]):
                    row[name] = int(row[name])
            yield row


def check(row):
    """A row's fields checked; raises Refused with the first fault found."""
    for name in row:
        if name not in FIELDS and name not in ENVELOPE:
            raise Refused("unknown_field", name)
    checked = Checked()
    checked.kind = row.get("kind", "trade")
    if checked.kind not in ("trade", "bust", "correct"):
        raise Refused("bad_kind")
    checked.ts = _timestamp(row.get("ts"))
    checked.id = _label(row, "id", 64)
    checked.ref = _label(row, "ref", 64)
    for name in ("owner", "contra", "broker", "venue"):
        _label(row, name, 32)
    if row.get("ccy", "USD") != "USD":
        raise Refused("unknown_ccy")
    bust = checked.kind == "bust"
    checked.symbol = _symbol(row.get("symbol"), bust)
    checked.account = _label(row, "account", 32)
    if not bust:
        _check_terms(row, checked)
    return checked


def _check_terms(row, checked):
    checked.side = _side(row.get("side"), checked.account)
    checked.qty = parse_amount(row.get("qty"), "bad_qty")
    checked.price = parse_amount(row.get("price"), "bad_price")
    checked.notional = notional_of(checked.qty, checked.price)


def _timestamp(given):
    if not isinstance(given, int) or isinstance(given, bool) or given > INT64_MAX:
        raise Refused("bad_timestamp")
    if given < EARLIEST:
        raise Refused("timestamp_implausible")
    return given


def _symbol(given, optional):
    if given is None and optional:
        return None
    if not isinstance(given, str) or not _SYMBOL.fullmatch(given):
        raise Refused("bad_symbol")
    return given


def _side(given, account):
    if given is None and account is None:
        return 0
    if not isinstance(given, str) or given.lower() not in SIDES:
        raise Refused("bad_side")
    return SIDES[given.lower()]


def _label(row, name, limit):
    """An optional text field: 1 to `limit` bytes of UTF-8, no control characters."""
    given = row.get(name)
    if given is None:
        return None
    if not isinstance(given, str):
        raise Refused("bad_" + name)
    try:
        size = len(given.encode())
    except UnicodeEncodeError:
        raise Refused("bad_" + name) from None
    if not 1 <= size <= limit or (not given.isprintable() and any(
            unicodedata.category(c) == "Cc" for c in given)):
        raise Refused("bad_" + name)
    return given
