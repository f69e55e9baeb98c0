#!/usr/bin/env python3
"""An independent judge of a tape, written from RULES.md alone.

  judge.py TAPE [--as NAME] [--inc N] [--set key=value ...]
           [--events | --json] [--refusals] [--summary]

TAPE is CSV (plain or .gz) or JSON lines; see README.md beside this file.
"""

import argparse
import json
import sys

from amounts import Refused
from episodes import TYPES
from settings import Settings
from surveillance import Surveillance
import tape


class Publishers:
    """Incarnations and sequence numbers: what is new, what is a repeat."""

    def __init__(self, name, inc):
        self.name, self.inc = name, inc
        self.next, self.highest = {}, {}

    def number(self, row):
        """(pub, inc, pseq) for a row, or None if it must be passed over."""
        pub, inc = row.get("pub", self.name), row.get("inc", self.inc)
        expected = self.next.get((pub, inc), 1)
        pseq = row.get("pseq", expected)
        if inc < self.highest.get(pub, 0) or pseq != expected:
            return None
        self.highest[pub] = inc
        self.next[pub, inc] = expected + 1
        return pub, inc, pseq


class Verdict:
    """The judged tape: refusals, and the surveillance that judged it."""

    def __init__(self, settings, name="judge", inc=0, keep=None, refusal=None):
        self.surveillance = Surveillance(settings, keep)
        self.publishers = Publishers(name, inc)
        self.refusal = refusal
        self.lines = self.refused = self.passed_over = 0
        self.codes = {}

    def take(self, row):
        if "control" in row:
            self.surveillance.control(row)
            return
        self.lines += 1
        numbered = self.publishers.number(row)
        if numbered is None:
            self.passed_over += 1
            return
        try:
            self.surveillance.submit(row, *numbered)
        except Refused as reason:
            self._refuse(reason, *numbered)

    def _refuse(self, reason, pub, inc, pseq):
        self.refused += 1
        self.codes[reason.code] = self.codes.get(reason.code, 0) + 1
        if self.refusal:
            self.refusal({"refused": reason.code, "why": reason.why,
                          "pub": pub, "inc": inc, "pseq": pseq})

    def summary(self):
        log = self.surveillance.log
        counts = [{"type": t, "event": e, "severity": s, "count": n}
                  for (t, e, s), n in sorted(
                      log.counts.items(), key=lambda item: (TYPES.index(item[0][0]), item[0]))]
        return {"lines": self.lines, "trades": self.surveillance.seq,
                "refused": self.refused, "refusals": self.codes,
                "passed_over": self.passed_over, "counts": counts,
                "count": log.n, "digest": log.digest}


def judge_rows(rows, changes=(), name="judge", inc=0, keep=None, refusal=None):
    """Judge an iterable of rows; `changes` are (key, value) settings."""
    settings = Settings()
    for key, value in changes:
        settings.set(key, value)
    verdict = Verdict(settings, name, inc, keep, refusal)
    for row in rows:
        verdict.take(row)
    return verdict


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tape")
    parser.add_argument("--as", dest="name", default="judge", help="publisher of unnamed rows")
    parser.add_argument("--inc", type=int, default=0, help="its incarnation")
    parser.add_argument("--set", dest="changes", action="append", default=[],
                        metavar="KEY=VALUE", help="a setting, as section/key=value")
    parser.add_argument("--events", action="store_true", help="print the digest's lines")
    parser.add_argument("--json", action="store_true", help="print each event as an object")
    parser.add_argument("--refusals", action="store_true", help="print each refusal as an object")
    parser.add_argument("--summary", action="store_true", help="the closing figures as JSON on stdout")
    return parser.parse_args(argv)


def main(argv=None):
    args = arguments(argv)
    keep = None
    if args.json:
        keep = lambda event: print(json.dumps(event, ensure_ascii=False))
    elif args.events:
        keep = lambda event: print(event["line"])
    refusal = (lambda r: print(json.dumps(r, ensure_ascii=False))) if args.refusals else None
    try:
        changes = [change.split("=", 1) for change in args.changes]
        verdict = judge_rows(tape.rows(args.tape), changes, args.name, args.inc, keep, refusal)
    except OSError as error:
        sys.stderr.write(f"judge: {error}\n")
        return 3
    except ValueError as error:
        sys.stderr.write(f"judge: {error}\n")
        return 2
    summary = verdict.summary()
    sys.stderr.write(f"{summary['trades']} trades, {summary['refused']} refused, "
                     f"{summary['count']} events, digest {summary['digest']}\n")
    if args.summary:
        print(json.dumps(summary))
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    sys.exit(main())
