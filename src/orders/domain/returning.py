"""Rules of returns and withdrawals: what may follow what, until when, and what goods are worth that come back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

from core.money import share
from orders.domain.after import RETURN_MOVES, ReturnStatus

MAX_PICTURES = 6
# Directive 2011/83/EU, Art. 9 (1) and (2) (b): from the day after the last of the goods was delivered.
WITHDRAWAL_DAYS = 14
# How long a mailed link confirms a withdrawal that was declared in time.
LINK_DAYS = 14
# Nobody is mailed more links than that for an order within an hour.
LINKS_PER_HOUR = 5
# Each is acknowledged by mail, to whatever address it names.
DECLARATIONS_PER_DAY = 10

_SATURDAY = 5
# The day is over where it ends last: the shopper's own time zone is not known.
_LAST_ZONE = timezone(timedelta(hours=-12))


def may_move_return(here: ReturnStatus, there: ReturnStatus) -> bool:
    """Tell whether the table allows the move."""
    return there in RETURN_MOVES[here]


def last_day_to_withdraw(delivered_at: datetime) -> date:
    """Return the last day of the withdrawal period of goods that were delivered then.

    The day of delivery does not count, and a period that would end at a weekend ends on Monday: Regulation (EEC,
    Euratom) No 1182/71, Art. 3 (1) and (4). Public holidays are not known here; staff decide on what comes late.
    """
    day = delivered_at.astimezone(UTC).date() + timedelta(days=WITHDRAWAL_DAYS)
    return day + timedelta(days=max(0, 7 - day.weekday() if day.weekday() >= _SATURDAY else 0))


def is_too_late(*, delivered_at: datetime | None, at: datetime) -> bool:
    """Tell whether the withdrawal period is over. Of goods that are not all delivered it has not ended.

    :param delivered_at: when the last of the goods was delivered
    """
    if delivered_at is None:
        return False
    end = datetime.combine(last_day_to_withdraw(delivered_at) + timedelta(days=1), time(), tzinfo=_LAST_ZONE)
    return at >= end


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A line as bought: its units and what they cost together, after discounts and with tax that stands on top."""

    quantity: int
    cost_minor: int


def paid_per_line(lines: Sequence[Bought], *, goods_minor: int) -> list[int]:
    """Return what each line's share of an order's total is, without delivery.

    :param goods_minor: the total without delivery; what rounding of the whole order left over is spread by cost
    """
    weights = [line.cost_minor for line in lines]
    return share(goods_minor, weights) if any(weights) else [0] * len(weights)


def worth_of_units(paid_minor: int, *, quantity: int, before: int, units: int) -> int:
    """Return what so many units of a line give back after so many others did.

    From running totals, so that all units together give back what the line cost, to the minor unit.
    """
    return paid_minor * (before + units) // quantity - paid_minor * before // quantity


def net_unit_minor(*, subtotal_minor: int, discount_minor: int, quantity: int) -> int:
    """Return what one unit of a line was agreed for after its discounts, never more: what rounding leaves is ours."""
    return (subtotal_minor - discount_minor) // quantity
