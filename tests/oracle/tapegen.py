#!/usr/bin/env python3
"""Seeded generator of short, nasty tapes.

  tapegen.py --seed N --rows N --flavour F [--out FILE] [--settings]

The same seed, rows and flavour give the same bytes.  `--settings` prints the
settings that make a flavour bite, one key=value a line, instead of a tape.
"""

import argparse
import csv
import random
import sys

import scenes
from scenes import SECOND, UNIT

START = 1704146340 * SECOND     # 2024-01-01T21:59:00Z

HEADER = ("ts", "symbol", "side", "qty", "price", "account", "venue", "id", "kind", "ref")

FLAVOURS = {
    "late": ("late", "ordinary"),
    "prints": ("prints", "ordinary"),
    "dust": ("dust", "rounding_ties", "cent_ties"),
    "seconds": ("on_the_second", "prints"),
    "tiers": ("exact_tiers", "large"),
    "velocity": ("rate_edges", "late"),
    "statistics": ("z_edges", "cent_ties", "quiet_after"),
    "quiet": ("quiet_after", "ordinary", "hits_in_a_row"),
    "session": ("midnight", "ordinary", "bust_old"),
    "busts": ("bust_recent", "bust_late", "bust_opener", "bust_seller", "bust_crossing",
              "bust_rate", "bust_statistic", "bust_large", "bust_reused", "bust_refused",
              "bust_old", "bust_flat"),
    "corrects": ("correct_some", "correct_opener", "ordinary"),
    "refusals": ("malformed", "ordinary", "bust_refused"),
}
FLAVOURS["mix"] = tuple(sorted({scene for group in FLAVOURS.values() for scene in group}))

SETTINGS = {
    "session": ("exposure/measure=turnover",),
    "seconds": ("exposure/remark=2",),
}


class Tape:
    """A tape under construction: rows, the time, and what may be busted."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.now = START + self.random.randrange(SECOND)
        self.rows = []
        self.recent = []        # trades that carry an id
        self.positions = {}     # roughly: busts are not taken back
        self.names = 0

    # Choices

    def pick(self, options):
        return self.random.choice(options)

    def chance(self, part):
        return self.random.random() < part

    def fresh(self, stem):
        self.names += 1
        return f"{stem}{self.names}"

    def round_lot(self):
        return self.pick((100, 500, 1_000, 2_000, 4_000, 5_000)) * UNIT

    def near_price(self):
        return self.random.randint(9_000, 16_000) * UNIT // 100

    def step(self, quiet=False):
        """Let a little time pass; `quiet` stays well within a second or so."""
        if quiet:
            self.now += self.random.randrange(SECOND // 4)
        else:
            self.now += self.pick((0, 1, SECOND // 3, SECOND, 7 * SECOND,
                                   self.random.randrange(30 * SECOND)))

    # Rows

    def row(self, **fields):
        fields.setdefault("ts", self.now)
        self.rows.append(fields)

    def trade(self, symbol, side, qty, price, account, ts=None, id=None):
        fields = {"ts": self.now if ts is None else ts, "symbol": symbol, "side": side,
                  "qty": qty, "price": price, "account": account,
                  "id": id or self.fresh("t")}
        self.rows.append(fields)
        self.recent.append(fields)
        signed = qty if side == "B" else -qty
        self.positions[account, symbol] = self.positions.get((account, symbol), 0) + signed
        return fields

    def bust(self, original, ts=None):
        """A bust repeats the original's terms, as feeds do."""
        self.row(**{**original, "ts": self.now if ts is None else ts, "kind": "bust",
                    "ref": original["id"], "id": None})

    def correct(self, original, **terms):
        trade = self.trade(**terms)
        trade.update(kind="correct", ref=original["id"])
        return {name: trade[name] for name in trade if name not in ("kind", "ref")}


def decimal(amount, rng):
    """1e-8 integers as plain decimals, now and then with needless zeros."""
    whole, places = divmod(amount, UNIT)
    text = f"{whole}.{places:08d}"
    if rng.random() < 0.9:
        text = text.rstrip("0").rstrip(".")
    return text


def generate(seed, rows, flavour):
    """Rows of text cells, by column name."""
    tape = Tape(f"{flavour} {seed}")
    cast = [getattr(scenes, name) for name in FLAVOURS[flavour]]
    while len(tape.rows) < rows:
        tape.pick(cast)(tape)
    printing = random.Random(seed)
    for fields in tape.rows[:rows]:
        yield {name: _cell(fields.get(name), name, printing) for name in HEADER}


def _cell(value, name, printing):
    if value is None:
        return ""
    if name in ("qty", "price") and isinstance(value, int):
        return decimal(value, printing)
    return str(value)


def write(out, seed, rows, flavour):
    table = csv.writer(out, lineterminator="\n")
    table.writerow(HEADER)
    for cells in generate(seed, rows, flavour):
        table.writerow([cells[name] for name in HEADER])


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--flavour", choices=sorted(FLAVOURS), default="mix")
    parser.add_argument("--out", help="file to write; stdout without")
    parser.add_argument("--settings", action="store_true",
                        help="print the flavour's settings instead")
    args = parser.parse_args(argv)
    if args.settings:
        print("\n".join(SETTINGS.get(args.flavour, ())))
    elif args.out:
        with open(args.out, "w", encoding="utf-8", newline="") as out:
            write(out, args.seed, args.rows, args.flavour)
    else:
        sys.stdout.reconfigure(encoding="utf-8", newline="")
        write(sys.stdout, args.seed, args.rows, args.flavour)
    return 0


if __name__ == "__main__":
    sys.exit(main())
