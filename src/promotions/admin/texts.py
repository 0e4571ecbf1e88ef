"""Amounts, tiers and lists as staff type them, one per line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from uuid import UUID

from django.core.exceptions import ValidationError

from core import money
from core.money import Money


def money_text(amounts: Iterable[Money]) -> str:
    """Return amounts as ``GBP 5.00``, a line each."""
    return "\n".join(f"{each.currency} {money.to_text(each.minor, each.currency)}" for each in amounts)


def read_money(text: str) -> list[Money]:
    """Return what ``money_text`` made a text of.

    :raises ValidationError: a line is not of that form
    """
    return [_money(line) for line in lines_of(text)]


def tiers_text(tiers: Iterable[Sequence[int]]) -> str:
    """Return tiers as ``5: 10.00``, a line each."""
    return "\n".join(f"{units}: {Decimal(percent_bp).scaleb(-2)}" for units, percent_bp in tiers)


def read_tiers(text: str) -> list[tuple[int, int]]:
    """Return what ``tiers_text`` made a text of.

    :raises ValidationError: a line is not of that form
    """
    return [_tier(line) for line in lines_of(text)]


def percent_bp(percent: Decimal) -> int:
    """Return hundredths of a per cent.

    :raises ValidationError: it has more than two decimal digits, or is not from 0 to 100
    """
    scaled = percent.scaleb(2)
    if not scaled.is_finite() or scaled != int(scaled) or not 0 <= scaled <= 100_00:
        raise ValidationError("A percentage is from 0 to 100, with up to two decimal digits.")
    return int(scaled)


def read_ids(text: str) -> list[UUID]:
    """Return the ids in a text.

    :raises ValidationError: one is none
    """
    try:
        return [UUID(line) for line in lines_of(text)]
    except ValueError as error:
        raise ValidationError("Ids have the form 0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4.") from error


def lines_of(text: str) -> list[str]:
    """Return the lines and comma-separated parts of a text that are not empty, each once."""
    return list(dict.fromkeys(filter(None, (part.strip() for part in text.replace(",", "\n").splitlines()))))


def _money(line: str) -> Money:
    currency, _, amount = line.partition(" ")
    currency = currency.upper()
    if not money.is_currency(currency):
        raise ValidationError(f"“{line[:60]}” is not of the form GBP 5.00.")
    try:
        return Money(money.to_minor(amount.strip(), currency), currency)
    except money.NotMoney as error:
        raise ValidationError(f"“{line[:60]}” is not an amount of that currency.") from error


def _tier(line: str) -> tuple[int, int]:
    units, _, percent = line.partition(":")
    try:
        return int(units), percent_bp(Decimal(percent.strip().removesuffix("%").strip()))
    except (ValueError, InvalidOperation) as error:
        raise ValidationError(f"“{line[:60]}” is not of the form 5: 10.") from error
