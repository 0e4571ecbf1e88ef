"""What it costs to send something, and who can: rules without a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from pricing.domain.destinations import Destination


class ShippingKind(Enum):
    """What the price of a method goes by."""

    FLAT = "flat"
    WEIGHT = "weight"
    PRICE = "price"
    COLLECT = "collect"


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodFacts:
    """A way to send something, as it is priced in one currency.

    ``steps`` are (from, minor units), ascending: from so many grams, or from goods of so many minor units, it costs so
    much; flat ones and collection have one step from 0. From ``free_from_minor`` of goods on it costs nothing.
    ``place_id`` is where it is collected.
    """

    code: str
    name: str
    kind: ShippingKind
    steps: tuple[tuple[int, int], ...]
    free_from_minor: int | None = None
    tax_class: str = "standard"
    min_days: int = 0
    max_days: int = 0
    max_weight_grams: int | None = None
    place_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneFacts:
    """Where some methods go: countries (ISO 3166-1) and regions (ISO 3166-2). With neither, the rest of the world."""

    name: str
    countries: frozenset[str]
    areas: frozenset[str]
    methods: tuple[MethodFacts, ...]

    @property
    def is_rest_of_world(self) -> bool:
        return not self.countries and not self.areas


def methods_for(zones: Sequence[ZoneFacts], destination: Destination) -> tuple[MethodFacts, ...]:
    """Return what goes there: of the zones with its region, else with its country, else of the rest of the world.

    Where two zones are equally near, both count; of two methods of one code the first does.
    """
    areas = destination.areas
    near = (
        [zone for zone in zones if not zone.areas.isdisjoint(areas)]
        or [zone for zone in zones if destination.country in zone.countries]
        or [zone for zone in zones if zone.is_rest_of_world]
    )
    found: dict[str, MethodFacts] = {}
    for zone in near:
        for method in zone.methods:
            found.setdefault(method.code, method)
    return tuple(found.values())


def cost_of(method: MethodFacts, *, weight_grams: int, goods_minor: int) -> int | None:
    """Return what the method takes for goods of this weight and price, or ``None`` if it cannot carry them."""
    if method.max_weight_grams is not None and weight_grams > method.max_weight_grams:
        return None
    measure = {ShippingKind.WEIGHT: weight_grams, ShippingKind.PRICE: goods_minor}.get(method.kind, 0)
    reached = [amount for start, amount in method.steps if start <= measure]
    if not reached:
        return None
    is_free = method.free_from_minor is not None and goods_minor >= method.free_from_minor
    return 0 if is_free else reached[-1]


def offered(methods: Iterable[MethodFacts], *, weight_grams: int, goods_minor: int) -> list[tuple[MethodFacts, int]]:
    """Return what can carry the goods, each with its cost in minor units: cheapest first, then as they were given."""
    costs = ((method, cost_of(method, weight_grams=weight_grams, goods_minor=goods_minor)) for method in methods)
    return sorted(((method, cost) for method, cost in costs if cost is not None), key=lambda found: found[1])
