"""Alerts: their episodes, their events, and the digest over the events."""

import hashlib

SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")

LARGE_TRADE = 0
CLIENT_EXPOSURE = 1
SYMBOL_EXPOSURE = 2
VELOCITY = 3
ANOMALY = 4
TYPES = ("LARGE_TRADE", "HIGH_CLIENT_EXPOSURE", "HIGH_SYMBOL_EXPOSURE",
         "HIGH_TRANSACTION_VELOCITY", "ANOMALY_DETECTED")


class Origin:
    """What an event is put down to: a line of the tape and a time."""

    __slots__ = ("seq", "pub", "inc", "pseq", "ts")

    def __init__(self, seq, pub, inc, pseq, ts):
        self.seq, self.pub, self.inc, self.pseq, self.ts = seq, pub, inc, pseq, ts

    def at(self, ts):
        return Origin(self.seq, self.pub, self.inc, self.pseq, ts)


class Alert:
    """One episode, or one shot of a rule that fires."""

    __slots__ = ("rule", "entity_type", "entity", "severity", "id", "key", "value")

    def __init__(self, rule, entity_type, entity, severity, origin, key, value):
        self.rule, self.entity_type, self.entity = rule, entity_type, entity
        self.severity = severity
        self.id = alert_id(TYPES[rule], entity_type, entity, origin)
        self.key = key
        self.value = value      # of the opening


def alert_id(type_name, entity_type, entity, origin):
    pseq = origin.pseq if origin.pub else origin.seq
    content = b"".join((
        type_name.encode(), b"\0", entity_type.encode(), b"\0",
        entity.encode(), b"\0", origin.pub.encode(), b"\0",
        (origin.inc if origin.pub else 0).to_bytes(8, "big"), pseq.to_bytes(8, "big")))
    return hashlib.sha256(content).hexdigest()[:32]


class LevelKey:
    """One key of a level rule: open or not, and at which tier.

    `low` and `high` bracket the values that change nothing:
    low < value <= high.
    """

    __slots__ = ("rule", "entity_type", "entity", "tiers", "rearm", "alert",
                 "low", "high")

    def __init__(self, rule, entity_type, entity, bounds):
        self.rule, self.entity_type, self.entity = rule, entity_type, entity
        self.alert = None
        self.bind(bounds)

    def bind(self, bounds):
        """Take thresholds as they are now in force."""
        self.tiers, self.rearm = bounds
        self._bracket()

    def _bracket(self):
        if self.alert is None:
            self.low, self.high = -1, min(b for b, _ in self.tiers)
            return
        reached = SEVERITIES.index(self.alert.severity)
        worse = [b for b, s in self.tiers if SEVERITIES.index(s) > reached]
        self.low = self.rearm
        self.high = min(worse) if worse else float("inf")

    def judge(self, value):
        """None, or (event, severity): what this one judgement says."""
        if self.low < value <= self.high:
            return None
        exceeded = [s for b, s in self.tiers if value > b]
        worst = max(exceeded, key=SEVERITIES.index) if exceeded else None
        if self.alert is None:
            return ("open", worst) if worst else None
        if worst and SEVERITIES.index(worst) > SEVERITIES.index(self.alert.severity):
            return "escalate", worst
        if value <= self.rearm:
            return "resolve", self.alert.severity
        return None

    def changed(self, alert):
        self.alert = alert
        self._bracket()


class EventLog:
    """Events in order, counted and chained."""

    def __init__(self, keep=None):
        self.n = 0
        self.chain = bytes(32)
        self.counts = {}
        self.keep = keep        # a callable that takes each event, or None
        self.by_opening = {}    # global seq -> alerts which that line opened

    def write(self, event, alert, origin, value, trades, trade_count=None, features=None):
        self.n += 1
        type_name = TYPES[alert.rule]
        line = (f"{self.n} {event} {type_name} {alert.severity} "
                f"{alert.entity} {origin.seq} {value}")
        self.chain = hashlib.sha256(self.chain + line.encode() + b"\n").digest()
        count_key = (type_name, event, alert.severity)
        self.counts[count_key] = self.counts.get(count_key, 0) + 1
        if event in ("open", "fire"):
            self.by_opening.setdefault(origin.seq, []).append(alert)
        if self.keep:
            self.keep({
                "n": self.n, "id": alert.id, "event": event, "type": type_name,
                "severity": alert.severity, "entity_type": alert.entity_type,
                "entity": alert.entity, "seq": origin.seq, "ts": origin.ts,
                "value": value, "trades": list(trades),
                "trade_count": len(trades) if trade_count is None else trade_count,
                **({"features": features} if features else {}), "line": line})

    @property
    def digest(self):
        return self.chain.hex()
