"""Price lists: who sees which other prices, and from when to when.

A list is locked before the products that it is about, and those in id order before anything is read or written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db.models import Q

from accounts import selectors as people
from accounts.errors import CustomerGroupNotFound
from core import money
from core.sql import insert_missing
from core.transactions import command, step
from markets import selectors as market_reads
from markets.errors import MarketNotFound
from products.domain import is_slug
from products.errors import PriceListInvalid, PriceListNotFound, PriceListTaken
from products.models import ListPrice, PriceList, Variant
from products.services.documents import lock_products, render_locked
from products.services.history import note_prices

log = structlog.get_logger(__name__)

_SHOWN = ("market", "group", "priority", "is_active", "starts_at", "ends_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceListData:
    """What a new price list is like; group and market by code. Its code and currency stay."""

    code: str
    name: str
    currency: str
    group: str | None = None
    market: str | None = None
    priority: int = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_active: bool = True


@command
def create_price_list(*, data: PriceListData, at: datetime) -> PriceList:
    """Make a price list, without prices yet.

    :raises PriceListTaken: there is one of that code
    :raises PriceListInvalid: no slug, an unknown currency, group or market, a market with another currency, or an end
        before its start
    """
    if not is_slug(data.code) or len(data.code) > 50:
        raise PriceListInvalid("A code is up to 50 letters, digits, - and _ of ASCII.", field="code")
    if not money.is_currency(data.currency):
        raise PriceListInvalid("The currency is not in ISO 4217.", field="currency")
    row = PriceList(code=data.code, currency=data.currency, created_at=at)
    names = ("name", "group", "market", "priority", "starts_at", "ends_at", "is_active")
    _take_over(row, {name: getattr(data, name) for name in names})
    row.is_shown = row.holds(at)
    if not insert_missing(row):
        raise PriceListTaken(price_list=data.code)
    return row


@command
def update_price_list(*, code: str, changes: Mapping[str, Any], at: datetime) -> PriceList:
    """Change a list's name, group, market, priority, times or whether it is active, and show that everywhere.

    :raises PriceListNotFound: there is none
    :raises PriceListInvalid: as ``create_price_list``
    """
    row = lock_price_list(code=code)
    _take_over(row, changes)
    row.is_shown = row.holds(at)
    row.save()
    if any(name in changes for name in _SHOWN):
        _show(row, at)
    return row


@command
def delete_price_list(*, code: str, at: datetime) -> None:
    """Remove a list with its prices: what it decided about costs what it cost without.

    :raises PriceListNotFound: there is none
    """
    row = lock_price_list(code=code)
    variant_ids, product_ids = _concerned(row)
    ListPrice.objects.filter(price_list=row).delete()
    note_prices(variant_ids=variant_ids, at=at)
    render_locked(product_ids=product_ids)
    row.delete()


def follow_clock(*, at: datetime) -> int:
    """Show the lists that have begun, hide those that have ended, and return how many there were.

    A transaction for each; a list that another is changing waits for the next time.
    """
    has_begun = Q(starts_at__isnull=True) | Q(starts_at__lte=at)
    holds = has_begun & (Q(ends_at__isnull=True) | Q(ends_at__gt=at)) & Q(is_active=True)
    due = PriceList.objects.filter(holds & Q(is_shown=False) | ~holds & Q(is_shown=True))
    return sum(_try_to_follow(pk, at) for pk in due.order_by("pk").values_list("pk", flat=True))


def _try_to_follow(list_id: UUID, at: datetime) -> bool:
    """Follow the clock with one list; one with which that cannot be done holds up no other."""
    try:
        return _follow(list_id=list_id, at=at)
    except Exception:
        log.exception("price list does not follow the clock", list_id=str(list_id))
        return False


@command
def _follow(*, list_id: UUID, at: datetime) -> bool:
    row: PriceList | None = PriceList.objects.filter(pk=list_id).locked(skip_locked=True).first()
    if row is None or row.is_shown == row.holds(at):
        return False
    row.is_shown = not row.is_shown
    row.save(update_fields=["is_shown"])
    _show(row, at)
    return True


@step
def lock_price_list(*, code: str) -> PriceList:
    """Return the list, locked: its prices and whether it is shown stay as they are.

    :raises PriceListNotFound: there is none
    """
    known = PriceList.objects.filter(code=code) if is_slug(code) else PriceList.objects.none()
    row: PriceList | None = known.locked().first()
    if row is None:
        raise PriceListNotFound
    return row


def _take_over(row: PriceList, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        if name not in ("group", "market"):
            setattr(row, name, value)
    if "group" in changes:
        row.group_id = _group_id(changes["group"])
    if "market" in changes:
        row.market_id = _market_id(changes["market"], row.currency)
    if row.starts_at is not None and row.ends_at is not None and row.ends_at <= row.starts_at:
        raise PriceListInvalid("It has to end after it starts.", field="ends_at")


def _group_id(code: str | None) -> UUID | None:
    if code is None:
        return None
    try:
        return people.get_customer_group(code=code).pk
    except CustomerGroupNotFound as error:
        raise PriceListInvalid("There is no such customer group.", field="group") from error


def _market_id(code: str | None, currency: str) -> UUID | None:
    if code is None:
        return None
    try:
        market = market_reads.get_market_by_code(code=code, active_only=False)
    except MarketNotFound as error:
        raise PriceListInvalid("There is no such market.", field="market") from error
    if market.currency != currency:
        raise PriceListInvalid("The market has another currency.", field="market")
    return market.pk


def _show(row: PriceList, at: datetime) -> None:
    variant_ids, product_ids = _concerned(row)
    note_prices(variant_ids=variant_ids, at=at)
    render_locked(product_ids=product_ids)


def _concerned(row: PriceList) -> tuple[Sequence[UUID], Sequence[UUID]]:
    """Return the variants of the list, and their products, locked."""
    variant_ids = list(ListPrice.objects.filter(price_list=row).values_list("variant_id", flat=True).distinct())
    owners = set(Variant.all_objects.filter(pk__any_of=variant_ids).values_list("product_id", flat=True))
    return variant_ids, lock_products(product_ids=owners)
