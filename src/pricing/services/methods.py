"""Shipping methods, with what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from core.money import Money
from core.sql import insert_all
from core.transactions import command
from inventory import selectors as stock_reads
from markets import services as markets
from pricing.domain.shipping import ShippingKind
from pricing.domain.taxes import STANDARD
from pricing.errors import MethodNotFound, ShippingExists, ShippingInvalid
from pricing.models import FreeShipping, ShippingMethod, ShippingRate
from pricing.services.places import doubled
from pricing.services.rows import refused_when_taken
from pricing.services.zones import lock_zone


@dataclass(frozen=True, kw_only=True)
class RateData:
    """What a method costs: from so many grams on (by weight), from so much of goods on (by price), or always."""

    price: Money
    from_weight_grams: int | None = None
    from_price: Money | None = None

    @property
    def from_value(self) -> int:
        """Where the step begins, in grams or in minor units."""
        return self.from_price.minor if self.from_price else self.from_weight_grams or 0


@dataclass(frozen=True, kw_only=True)
class MethodData:
    """A way to send something. ``place`` is the code of the place where it is collected."""

    zone: UUID
    code: str
    name: str
    rates: Sequence[RateData]
    kind: str = ShippingKind.FLAT.value
    free_from: Sequence[Money] = ()
    tax_class: str = STANDARD
    min_days: int = 0
    max_days: int = 0
    max_weight_grams: int | None = None
    place: str | None = None
    position: int = 0
    is_active: bool = True


# What is written to the row as it is given.
_PLAIN = ("name", "kind", "tax_class", "min_days", "max_days", "max_weight_grams", "position", "is_active")
_BEGINS = {ShippingKind.WEIGHT: "from_weight_grams", ShippingKind.PRICE: "from_price"}


@command
def create_method(*, data: MethodData) -> ShippingMethod:
    """Offer a method in a zone.

    :raises ZoneNotFound: there is no such zone
    :raises ShippingInvalid: rates that do not fit the kind or stand twice, an unknown place or one where nothing is
        collected, days out of order
    :raises ShippingExists: the code is taken in the zone
    """
    method = ShippingMethod(zone=lock_zone(data.zone), code=data.code)
    _write(method, {f.name: getattr(data, f.name) for f in fields(data) if f.name not in ("zone", "code")})
    markets.rules_changed()
    return method


@command
def update_method(*, method_id: UUID, changes: Mapping[str, Any]) -> ShippingMethod:
    """Change a method: any field of ``MethodData`` but its zone and code. Rates and free amounts are replaced.

    :raises MethodNotFound: there is none
    :raises ShippingInvalid: as for a new one; another kind needs other rates
    """
    method = _lock(method_id)
    _write(method, changes)
    markets.rules_changed()
    return method


@command
def delete_method(*, method_id: UUID) -> None:
    """Delete a method. Orders that went by it keep what it cost.

    :raises MethodNotFound: there is none
    """
    _lock(method_id).delete()
    markets.rules_changed()


def _lock(method_id: UUID) -> ShippingMethod:
    method: ShippingMethod | None = ShippingMethod.objects.filter(pk=method_id).locked().first()
    if method is None:
        raise MethodNotFound
    return method


def _write(method: ShippingMethod, changes: Mapping[str, Any]) -> None:
    is_of_another_kind = changes.get("kind", method.kind) != method.kind
    for name in changes.keys() & set(_PLAIN):
        setattr(method, name, changes[name])
    if "place" in changes:
        _set_place(method, changes["place"])
    _check(method)
    if is_of_another_kind and "rates" not in changes:
        raise ShippingInvalid("Another kind needs other rates.", field="rates")
    with refused_when_taken({"shipping_method_code_in_zone": ShippingExists(field="code")}):
        method.save()
    if "rates" in changes:
        _replace_rates(method, changes["rates"])
    if "free_from" in changes:
        _replace_free(method, changes["free_from"])


def _set_place(method: ShippingMethod, code: str | None) -> None:
    place = stock_reads.find_place(code=code) if code else None
    if code and place is None:
        raise ShippingInvalid("There is no such place.", field="place")
    method.place_id = place.pk if place else None


def _check(method: ShippingMethod) -> None:
    if method.max_days < method.min_days:
        raise ShippingInvalid("The days are out of order.", field="max_days")
    if method.place_id is not None and method.kind != ShippingKind.COLLECT.value:
        raise ShippingInvalid("Only what is collected has a place.", field="place")


def _replace_rates(method: ShippingMethod, rates: Sequence[RateData]) -> None:
    _check_rates(ShippingKind(method.kind), rates)
    method.rates.all().delete()
    insert_all(
        ShippingRate(
            method=method, currency=rate.price.currency, from_value=rate.from_value, amount_minor=rate.price.minor
        )
        for rate in rates
    )


def _check_rates(kind: ShippingKind, rates: Sequence[RateData]) -> None:
    begins = {_BEGINS[kind]} if kind in _BEGINS else set()
    for rate in rates:
        given = {name for name in _BEGINS.values() if getattr(rate, name) is not None}
        if given != begins:
            needed = f"needs {min(begins)}" if begins else "has one price in a currency"
            raise ShippingInvalid(f"A rate of a method by {kind.value} {needed}.", field="rates")
        if rate.from_price is not None and rate.from_price.currency != rate.price.currency:
            raise ShippingInvalid("A rate has one currency.", field="rates")
    if doubled(f"{rate.price.currency} {rate.from_value}" for rate in rates):
        raise ShippingInvalid("Two rates begin at the same.", field="rates")
    if not rates:
        raise ShippingInvalid("Without a rate it carries nothing.", field="rates")


def _replace_free(method: ShippingMethod, amounts: Sequence[Money]) -> None:
    if doubled(amount.currency for amount in amounts):
        raise ShippingInvalid("Give one amount in a currency.", field="free_from")
    method.free_from.all().delete()
    insert_all(FreeShipping(method=method, currency=each.currency, from_minor=each.minor) for each in amounts)
