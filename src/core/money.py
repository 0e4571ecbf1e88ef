"""Money: an integer count of a currency's minor unit. Adding, splitting and rounding happen here and only here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation, Overflow
from functools import lru_cache
from typing import Literal

import pycountry

# ISO 4217:2015, table A.1, "minor unit", where it is not 2.
_DIGITS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
# In ISO 4217, but no money that something could cost: metals, units of account, tests, no currency (minor unit "N.A.").
_NO_MONEY = frozenset(["XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX"])
# Fits PostgreSQL's bigint after a multiplication by the largest quantity.
MAX_MINOR = 10**12
# No amount of so few characters is beyond it.
_PLAIN_LENGTH = 8
# Refuses to round where the default context would do so silently.
_EXACT = Context(prec=40, traps=[InvalidOperation, Overflow, Inexact])


class NotMoney(ValueError):
    """The text is not an amount of that currency."""


@lru_cache(maxsize=512)
def is_currency(code: str) -> bool:
    """Tell whether the code is one of ISO 4217 in which something can have a price."""
    is_known = len(code) == 3 and code.isupper() and pycountry.currencies.get(alpha_3=code) is not None
    return is_known and code not in _NO_MONEY


def digits(currency: str) -> int:
    """Return how many decimal digits the currency has (ISO 4217): GBP 2, JPY 0, KWD 3."""
    return _DIGITS.get(currency, 2)


def to_decimal(minor: int, currency: str) -> Decimal:
    """Return the amount in major units, with the currency's own number of digits."""
    return Decimal(minor).scaleb(-digits(currency))


def to_text(minor: int, currency: str) -> str:
    """Return what the API shows: ``1250, "GBP"`` is ``"12.50"``."""
    places = digits(currency)
    if not places:
        return str(minor)
    sign = "-" if minor < 0 else ""
    number = str(abs(minor)).zfill(places + 1)
    return f"{sign}{number[:-places]}.{number[-places:]}"


def to_minor(amount: Decimal | str, currency: str) -> int:
    """Return the exact count of minor units.

    :raises NotMoney: not a finite number, more digits than the currency has, or beyond ``MAX_MINOR``
    """
    try:
        scaled = Decimal(amount).scaleb(digits(currency), context=_EXACT)
    except (ArithmeticError, ValueError) as error:
        raise NotMoney("not a number of this size and precision") from error
    if not scaled.is_finite() or abs(scaled) > MAX_MINOR:
        raise NotMoney("too large")
    if scaled != int(scaled):
        raise NotMoney(f"{currency} has {digits(currency)} decimal digits")
    return int(scaled)


def plain_to_minor(text: str, currency: str) -> int | None:
    """Return what ``to_minor`` does for digits with or without a point, at a tenth of the cost; ``None`` for others."""
    whole, point, fraction = text.partition(".")
    places = digits(currency)
    if not (whole.isdecimal() and text.isascii() and len(text) <= _PLAIN_LENGTH and len(fraction) <= places):
        return None
    if point and not fraction.isdecimal():
        return None
    return int(whole + fraction.ljust(places, "0"))


def as_document(minor: int, currency: str) -> dict[str, str]:
    """Return the contract's money object: ``{"amount": "12.50", "currency": "GBP"}``."""
    return {"amount": to_text(minor, currency), "currency": currency}


@dataclass(frozen=True, slots=True)
class Money:
    """An amount with its currency; amounts of two currencies do not mix."""

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.minor * times, self.currency)

    def __str__(self) -> str:
        return f"{to_text(self.minor, self.currency)} {self.currency}"

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")
        return other.minor


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Return the sum; of nothing it is zero."""
    return sum(amounts, start=Money(0, currency))


def share(minor: int, weights: Sequence[int]) -> list[int]:
    """Split an amount by weights so that the parts add up to it: largest remainders get the odd units.

    :raises ValueError: a weight is negative, or all are zero
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights must not be negative, nor all zero")
    rests = [minor * weight % whole for weight in weights]
    odd = sum(rests) // whole
    # What is missing to the next unit where the least remainder is that gets one: it lifts those above it, too.
    lift = whole - sorted(rests)[-odd] if odd else 0
    parts = [(minor * weight + lift) // whole for weight in weights]
    if over := sum(parts) - minor:
        # Of equal remainders the first comes first.
        for i in [i for i, rest in enumerate(rests) if rest + lift == whole][-over:]:
            parts[i] -= 1
    return parts


def percent_of(minor: int, percent: Decimal, rounding: Literal["half_up", "half_even"] = "half_up") -> int:
    """Return ``percent`` per cent of an amount, rounded once to the minor unit."""
    mode = ROUND_HALF_UP if rounding == "half_up" else ROUND_HALF_EVEN
    return int((Decimal(minor) * percent / 100).quantize(Decimal(1), rounding=mode))


def portion(minor: int, numerator: int, denominator: int) -> int:
    """Return ``minor * numerator / denominator``, rounded once to the minor unit, halves away from zero.

    :raises ValueError: the denominator is not positive
    """
    if denominator <= 0:
        raise ValueError("the denominator must be positive")
    exact = minor * numerator
    whole = (2 * abs(exact) + denominator) // (2 * denominator)
    return whole if exact >= 0 else -whole
