"""Exact amounts: integers of 1e-8, exact fractions, half-even rounding.

RULES.md, "Numbers".  Nothing here, or anywhere else in the judge, decides by
floating point; the one float taken in is a JSON number, by its shortest
decimal form.
"""

import re
from decimal import Decimal
from fractions import Fraction

UNIT = 10 ** 8                  # one unit of quantity or money
INT64_MAX = 2 ** 63 - 1
SUM_MAX = 2 ** 127 - 1
SECOND = 10 ** 9                # nanoseconds
EARLIEST = 631152000 * SECOND   # 1990-01-01T00:00:00Z

_PLAIN_DECIMAL = re.compile(r"([0-9]+)(?:\.([0-9]{1,8}))?", re.ASCII)


class Refused(Exception):
    """A submission that is not accepted, with the code that says why."""

    def __init__(self, code, why=""):
        super().__init__(code)
        self.code = code
        self.why = why


def half_even(numerator, denominator):
    """numerator / denominator rounded to an integer, ties to even."""
    quotient, rest = divmod(numerator, denominator)
    double = rest + rest
    if double > denominator or (double == denominator and quotient & 1):
        quotient += 1
    return quotient


def parse_amount(given, code):
    """A quantity or price as an integer of 1e-8; Refused(code) otherwise."""
    if isinstance(given, bool) or given is None:
        raise Refused(code, "not a number")
    if isinstance(given, int):
        amount = given * UNIT
    elif isinstance(given, float):
        amount = _from_shortest_form(given, code)
    elif isinstance(given, str):
        amount = _from_text(given, code)
    else:
        raise Refused(code, "not a number")
    if amount <= 0:
        raise Refused(code, "not above zero")
    if amount > INT64_MAX:
        raise Refused("amount_out_of_range", "beyond int64")
    return amount


def _from_text(text, code):
    match = _PLAIN_DECIMAL.fullmatch(text)
    if not match:
        raise Refused(code, "not a plain decimal with at most 8 places")
    whole, places = match.groups()
    if len(whole.lstrip("0")) > 20:
        raise Refused("amount_out_of_range", "beyond int64")
    return int(whole) * UNIT + int((places or "").ljust(8, "0"))


def _from_shortest_form(number, code):
    shortest = Decimal(repr(number))
    if not shortest.is_finite():
        raise Refused(code, "not finite")
    if abs(shortest) > 10 ** 20:
        raise Refused(code if number < 0 else "amount_out_of_range", "beyond int64")
    scaled = Fraction(shortest) * UNIT
    if scaled.denominator != 1:
        raise Refused(code, "more than 8 decimals")
    return int(scaled)


def notional_of(qty, price):
    """qty x price in 1e-8, refused when it leaves int64."""
    notional = half_even(qty * price, UNIT)
    if notional > INT64_MAX:
        raise Refused("amount_out_of_range", "notional beyond int64")
    return notional


def cents_of(notional):
    """The notional in whole cents, as the statistics rule sees it."""
    return half_even(notional, 10 ** 6)


def capped(total):
    """A sum; one beyond 2^127 - 1 counts as that."""
    return SUM_MAX if total > SUM_MAX else total


def decimal_text(amount):
    """An integer of 1e-8 as a decimal string."""
    sign = "-" if amount < 0 else ""
    whole, places = divmod(abs(amount), UNIT)
    text = f"{sign}{whole}.{places:08d}".rstrip("0")
    return text[:-1] if text.endswith(".") else text
