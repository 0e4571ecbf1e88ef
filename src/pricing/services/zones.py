"""Shipping zones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.transactions import command
from markets import services as markets
from pricing.errors import ShippingExists, ShippingInvalid, ZoneNotFound
from pricing.models import ShippingZone
from pricing.services.places import doubled, is_country, is_region
from pricing.services.rows import refused_when_taken


@dataclass(frozen=True, kw_only=True)
class ZoneData:
    """Where a zone is: countries (ISO 3166-1), regions of others (ISO 3166-2). With neither, the rest of the world."""

    name: str
    countries: Sequence[str] = ()
    regions: Sequence[str] = ()


@command
def create_zone(*, data: ZoneData) -> ShippingZone:
    """Open a zone.

    :raises ShippingInvalid: an unknown country or region, one that stands twice, or a region of a country that is
        there as a whole
    :raises ShippingExists: the name is taken
    """
    zone = ShippingZone()
    _write(zone, vars(data))
    markets.rules_changed()
    return zone


@command
def update_zone(*, zone_id: UUID, changes: Mapping[str, Any]) -> ShippingZone:
    """Change a zone: any field of ``ZoneData``.

    :raises ZoneNotFound: there is none
    :raises ShippingInvalid: as for a new one
    :raises ShippingExists: the name is taken
    """
    zone = lock_zone(zone_id)
    _write(zone, changes)
    markets.rules_changed()
    return zone


@command
def delete_zone(*, zone_id: UUID) -> None:
    """Delete a zone with its methods. Orders keep what they cost.

    :raises ZoneNotFound: there is none
    """
    lock_zone(zone_id).delete()
    markets.rules_changed()


def lock_zone(zone_id: UUID) -> ShippingZone:
    """Return the zone, locked.

    :raises ZoneNotFound: there is none
    """
    zone: ShippingZone | None = ShippingZone.objects.filter(pk=zone_id).locked().first()
    if zone is None:
        raise ZoneNotFound
    return zone


def _write(zone: ShippingZone, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        setattr(zone, name, value if name == "name" else list(value))
    _check(zone)
    with refused_when_taken({"pricing_shippingzone_name_key": ShippingExists(field="name")}):
        zone.save()


def _check(zone: ShippingZone) -> None:
    unknown = [code for code in zone.countries if not is_country(code)]
    if unknown:
        raise ShippingInvalid("A country is not in ISO 3166-1.", field="countries", unknown=unknown)
    unknown = [code for code in zone.regions if not is_region(code)]
    if unknown:
        raise ShippingInvalid("A region is not in ISO 3166-2.", field="regions", unknown=unknown)
    for name in ("countries", "regions"):
        if twice := doubled(getattr(zone, name)):
            raise ShippingInvalid("Something stands twice.", field=name, doubled=twice)
    inside = [code for code in zone.regions if code[:2] in zone.countries]
    if inside:
        raise ShippingInvalid("A region is part of a country that is there as a whole.", field="regions", inside=inside)
