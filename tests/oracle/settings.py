"""The settings that can change an alert, by the names users know."""

from fractions import Fraction
from zoneinfo import ZoneInfo

from amounts import SECOND, UNIT

DEFAULTS = {
    "exposure/measure": "gross",
    "exposure/remark": "1",
    "rules/large_trade/threshold": "10000",
    "rules/client_exposure/threshold": "1000000",
    "rules/client_exposure/critical": "1.5",
    "rules/client_exposure/rearm": "0.9",
    "rules/symbol_exposure/threshold": "500000",
    "rules/symbol_exposure/critical": "1.5",
    "rules/symbol_exposure/rearm": "0.9",
    "rules/velocity/threshold": "10",
    "rules/velocity/window": "60",
    "rules/velocity/rearm": "0.9",
    "rules/velocity/client": "on",
    "rules/velocity/symbol": "off",
    "rules/anomaly/key": "symbol",
    "rules/anomaly/window": "100",
    "rules/anomaly/minimum": "30",
    "rules/anomaly/medium": "3",
    "rules/anomaly/high": "4",
    "rules/anomaly/quiet": "60",
    "session/roll": "00:00",
    "session/zone": "UTC",
}
PER_NAME = (
    "rules/large_trade/threshold",
    "rules/client_exposure/threshold",
    "rules/symbol_exposure/threshold",
    "rules/velocity/threshold",
)
CHOICES = {
    "exposure/measure": ("gross", "net", "turnover"),
    "rules/velocity/client": ("on", "off"),
    "rules/velocity/symbol": ("on", "off"),
    "rules/anomaly/key": ("symbol", "account", "system"),
}
# What a control record may change while the tape runs.
LIVE = tuple(k for k in DEFAULTS if k.endswith(
    ("/threshold", "/critical", "/rearm", "/medium", "/high", "/quiet", "anomaly/key", "session/roll",
     "session/zone")))


class Settings:
    """Text in, exact values out."""

    def __init__(self):
        self.text = dict(DEFAULTS)

    def set(self, key, value):
        base, _, name = key.partition("@")
        if base not in DEFAULTS or (name and base not in PER_NAME):
            raise ValueError(f"unknown setting {key!r}")
        value = str(value)
        if base in CHOICES and value not in CHOICES[base]:
            raise ValueError(f"{key} must be one of {', '.join(CHOICES[base])}")
        self.text[key] = value

    def choice(self, key):
        return self.text[key]

    def fraction(self, key):
        return Fraction(self.text[key])

    def whole(self, key):
        return int(self.text[key])

    def nanoseconds(self, key):
        return int(self.fraction(key) * SECOND)

    def zone(self):
        return ZoneInfo(self.text["session/zone"])

    def roll_seconds(self):
        hours, minutes = self.text["session/roll"].split(":")
        return int(hours) * 3600 + int(minutes) * 60

    def threshold(self, rule, name):
        """The first tier of a rule for one key, as text says it."""
        own = f"rules/{rule}/threshold@{name}"
        return Fraction(self.text.get(own, self.text[f"rules/{rule}/threshold"]))

    def level_bounds(self, rule, name):
        """(tiers, rearm): integers b with  value > b  and  value <= b  exact."""
        scale = 1 if rule == "velocity" else UNIT
        first = self.threshold(rule, name) * scale
        tiers = [(floor(first), "HIGH")]
        if rule != "velocity":
            critical = first * self.fraction(f"rules/{rule}/critical")
            tiers.append((floor(critical), "CRITICAL"))
        return tiers, floor(first * self.fraction(f"rules/{rule}/rearm"))


def floor(value):
    return value.numerator // value.denominator
