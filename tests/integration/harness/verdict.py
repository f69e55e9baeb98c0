# SPDX-License-Identifier: MIT
"""The independent judge of tests/oracle, and how its events are compared with the daemon's alerts."""

import json
import os
import subprocess
import sys
from decimal import Context, Decimal

from harness.daemon import run_tool
from harness.waiting import PATIENCE

HERE = os.path.dirname(os.path.abspath(__file__))
ORACLE = os.path.normpath(os.path.join(HERE, "..", "..", "oracle"))
SHARED_DATA = os.path.normpath(os.path.join(HERE, "..", "..", "..", "..", "shared", "data"))
sys.path.insert(0, ORACLE)

import judge as oracle_judge        # noqa: E402
import tapegen                      # noqa: E402,F401  -- for the tests

EXACT = Context(prec=80)
NO_DIGEST = "0" * 64
FIELDS_OF_A_TRADE = ("ts", "symbol", "side", "qty", "price", "account", "venue", "id", "owner", "contra", "broker",
                     "ccy", "kind", "ref")


def judge_rows(rows, sets=None, pub="judge", inc=0):
    """(events, summary) of rows as dicts."""
    events = []
    verdict = oracle_judge.judge_rows(rows, list((sets or {}).items()), pub, inc, keep=events.append)
    return events, verdict.summary()


class Judging:
    """The judge over a whole tape in a process of its own, beside whatever the test does meanwhile."""

    def __init__(self, tape, pub, sets=None, events=True):
        command = [sys.executable, os.path.join(ORACLE, "judge.py"), tape, "--as", pub, "--summary"]
        command += [word for key, value in (sets or {}).items() for word in ("--set", f"{key}={value}")]
        self.process = subprocess.Popen(command + (["--json"] if events else []), stdout=subprocess.PIPE, text=True,
                                        encoding="utf-8")

    def result(self, seconds=600):
        out, _ = self.process.communicate(timeout=seconds * PATIENCE)
        assert self.process.returncode == 0, f"the judge ended with {self.process.returncode}"
        *events, summary = map(json.loads, out.splitlines())
        return events, summary


def digest_value(alert):
    """The value in the digest's line, as far as the alert's record says it; None where it does not."""
    if alert["type"] in ("LARGE_TRADE", "HIGH_CLIENT_EXPOSURE", "HIGH_SYMBOL_EXPOSURE"):
        return int(Decimal(alert["value"]).scaleb(8, EXACT))
    if alert["type"] == "HIGH_TRANSACTION_VELOCITY":
        return alert["value"]
    if alert["event"] == "resolve":
        return 0
    notional = alert["features"].get("notional")
    return None if notional is None else round(notional * 100)


def differences(alerts, events):
    """The first places where the daemon's alerts are not the judge's events, as sentences."""
    found = []
    for alert, event in zip(alerts, events):
        for key in ("n", "id", "event", "type", "severity", "entity_type", "entity", "seq", "ts", "trade_count"):
            if alert[key] != event[key]:
                found.append(f"event {event['n']}: {key} is {alert[key]!r}, the judge says {event[key]!r}")
        value = digest_value(alert)
        if value is not None and value != event["value"]:
            found.append(f"event {event['n']}: value is {value}, the judge says {event['value']}")
        if [t["seq"] for t in alert["trades"]] != event["trades"]:
            found.append(f"event {event['n']}: trades are {alert['trades']}, the judge says {event['trades']}")
        if len(found) > 10:
            break
    if len(alerts) != len(events):
        found.append(f"{len(alerts)} alerts, the judge says {len(events)}")
    return found


def exported(data):
    """The log's trades by `store export --json`, as a list of dicts."""
    done = run_tool("store", "export", "--json", "--data", data, seconds=120)
    assert done.code == 0, done
    return [json.loads(line) for line in done.out.splitlines()]


def as_submitted(row):
    """An exported trade as the judge takes it."""
    return {key: value for key, value in row.items() if key in FIELDS_OF_A_TRADE + ("pub", "inc", "pseq")
            and value is not None}
