"""Shipping zones and methods: as rules that price, and as rows for staff."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet
from django.db.models.functions import JSONObject

from pricing.domain.shipping import MethodFacts, ShippingKind, ZoneFacts
from pricing.errors import MethodNotFound, ZoneNotFound
from pricing.models import FreeShipping, ShippingMethod, ShippingRate, ShippingZone


def load_shipping(*, currency: str) -> list[ZoneFacts]:
    """Return all zones with their active methods as they are priced in a currency. One query.

    A method without a price in the currency is there without steps: it carries nothing.
    """
    zones = ShippingZone.objects.order_by("name", "pk").values_list(
        "name", "countries", "regions", ArraySubquery(_methods(currency))
    )
    return [
        ZoneFacts(
            name=name,
            countries=frozenset(countries),
            areas=frozenset(regions),
            methods=tuple(map(_facts, methods)),
        )
        for name, countries, regions, methods in zones
    ]


def _methods(currency: str) -> QuerySet[Any]:
    rates = ShippingRate.objects.filter(method=OuterRef("pk"), currency=currency).order_by("from_value")
    free = FreeShipping.objects.filter(method=OuterRef("pk"), currency=currency).values("from_minor")
    rows: QuerySet[Any] = (
        ShippingMethod.objects.filter(zone=OuterRef("pk"), is_active=True)
        .order_by("position", "pk")
        .values(
            row=JSONObject(
                code="code",
                name="name",
                kind="kind",
                tax_class="tax_class",
                min_days="min_days",
                max_days="max_days",
                max_weight_grams="max_weight_grams",
                place_id="place_id",
                steps=ArraySubquery(rates.values(step=JSONObject(start=F("from_value"), amount=F("amount_minor")))),
                free_from=ArraySubquery(free),
            )
        )
    )
    return rows


def _facts(row: dict[str, Any]) -> MethodFacts:
    return MethodFacts(
        code=row["code"],
        name=row["name"],
        kind=ShippingKind(row["kind"]),
        steps=tuple((step["start"], step["amount"]) for step in row["steps"]),
        free_from_minor=next(iter(row["free_from"]), None),
        tax_class=row["tax_class"],
        min_days=row["min_days"],
        max_days=row["max_days"],
        max_weight_grams=row["max_weight_grams"],
        place_id=UUID(row["place_id"]) if row["place_id"] else None,
    )


def list_zones() -> QuerySet[ShippingZone]:
    """Return the zones; order them by name."""
    rows: QuerySet[ShippingZone] = ShippingZone.objects.all()
    return rows


def get_zone(*, zone_id: UUID) -> ShippingZone:
    """Return a zone. One query.

    :raises ZoneNotFound: there is none
    """
    zone = list_zones().filter(pk=zone_id).first()
    if zone is None:
        raise ZoneNotFound
    return zone


def list_methods(*, zone: UUID | None = None) -> QuerySet[ShippingMethod]:
    """Return the methods, or those of a zone, with their place, rates and free amounts. Three queries."""
    rows: QuerySet[ShippingMethod] = ShippingMethod.objects.select_related("place").prefetch_related(
        "rates", "free_from"
    )
    return rows if zone is None else rows.filter(zone=zone)


def get_method(*, method_id: UUID) -> ShippingMethod:
    """Return a method with its place, rates and free amounts. Three queries.

    :raises MethodNotFound: there is none
    """
    method = list_methods().filter(pk=method_id).first()
    if method is None:
        raise MethodNotFound
    return method
