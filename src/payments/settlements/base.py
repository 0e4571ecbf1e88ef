"""What a provider's settlement file says, line by line, in words of ours."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

from core.money import NotMoney, digits, is_currency, to_minor
from payments.domain import SettledKind
from payments.errors import SettlementUnreadable

_NUMBER = re.compile(r"[+-]?(\d{1,15}|\d{1,3}(,\d{3}){1,4})(\.\d{1,10})?", re.ASCII)
_DELIMITERS = ",;\t"
_LONGEST = 200
# Behind so many lines of something else no heads are looked for.
_HEADS_WITHIN = 20
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """One line. Amounts are minor units as they changed what the provider holds for us: a refund is below zero.

    :param reference: what the provider calls it; the same one again is the same thing again
    :param keys: by what we may know the charge: the provider's name of it, or ours
    :param fee_minor: what the provider kept beside the gross amount
    """

    kind: SettledKind
    reference: str
    currency: str
    gross_minor: int
    fee_minor: int = 0
    keys: tuple[str, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A row by the names of its columns, which are compared without case and spaces."""

    number: int
    values: Mapping[str, str]

    def text(self, *names: str) -> str:
        """Return the first of these columns that is not empty."""
        return next((found for name in names if (found := self.values.get(name, "").strip())), "")

    def currency(self, *names: str) -> str:
        """Return a code of ISO 4217.

        :raises SettlementUnreadable: it is none
        """
        code = self.text(*names).upper()
        if not is_currency(code):
            raise SettlementUnreadable(line=self.number, reason=f"{code[:10] or 'nothing'} is no currency")
        return code

    def minor(self, *names: str, currency: str, is_rounded: bool = False) -> int:
        """Return an amount in major units as minor ones; nothing is zero.

        :param is_rounded: it may have more digits than the currency
        :raises SettlementUnreadable: it is no amount
        """
        text = self.text(*names) or "0"
        try:
            if not _NUMBER.fullmatch(text):
                raise NotMoney("not a number")
            amount = Decimal(text.replace(",", ""))
            if is_rounded:
                amount = amount.quantize(Decimal(1).scaleb(-digits(currency)), ROUND_HALF_UP)
            return to_minor(amount, currency)
        except (NotMoney, ArithmeticError) as error:
            raise SettlementUnreadable(line=self.number, reason=f"{text[:30]} is no amount in {currency}") from error

    def at(self, *names: str, form: str = "") -> datetime | None:
        """Return a time, in UTC unless it says otherwise; ``None`` where it is not told, or not in this form."""
        text = self.text(*names)
        try:
            found = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007 - see below
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            return None


Reading = Callable[[Line], Settled | None]


def read_lines(content: bytes, *, needed: Sequence[str], read: Reading) -> Iterator[Settled]:
    """Read a CSV file in UTF-8; its columns are found by the heads that it has to have.

    :param needed: heads, in small letters and with single spaces
    :raises SettlementUnreadable: another encoding, other heads, or a line that cannot be read
    """
    text = _text(content)
    rows = enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, needed)), start=1)
    try:
        heads = _heads(rows, needed)
        for number, row in rows:
            if not any(row) or not _is_body(heads, row):
                continue
            settled = read(Line(number, dict(zip(heads, row, strict=False))))
            if settled is not None:
                yield _checked(settled, number)
    except csv.Error as error:
        raise SettlementUnreadable(reason=str(error)) from error


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettlementUnreadable(reason="the file is not in UTF-8") from error
    if _CONTROL.search(text):
        raise SettlementUnreadable(reason="the file is no text")
    return text


def _delimiter(text: str, needed: Sequence[str]) -> str:
    """Return what parts most of the needed heads in one of the first lines."""
    first = text.split("\n", _HEADS_WITHIN)[:_HEADS_WITHIN]
    found = {sign: max((_known(line.split(sign), needed) for line in first), default=0) for sign in _DELIMITERS}
    return max(found, key=lambda sign: found[sign])


def _known(cells: Iterable[str], needed: Sequence[str]) -> int:
    return len({_name(cell.strip().strip('"')) for cell in cells} & set(needed))


def _heads(rows: Iterator[tuple[int, list[str]]], needed: Sequence[str]) -> list[str]:
    for number, row in rows:
        names = [_name(cell) for cell in row]
        if set(needed) <= set(names):
            return names
        if number >= _HEADS_WITHIN:
            break
    raise SettlementUnreadable(reason=f"no line has the heads {', '.join(needed)}")


def _name(cell: str) -> str:
    return " ".join(cell.split()).casefold()


def _is_body(heads: Sequence[str], row: Sequence[str]) -> bool:
    """Tell bodies (``SB``) from the sections round them, where the file says which is which."""
    return heads[0] != "ch" or row[0].strip() == "SB"


def _checked(settled: Settled, number: int) -> Settled:
    if len(settled.reference) > _LONGEST:
        raise SettlementUnreadable(line=number, reason="a reference is too long")
    return settled
