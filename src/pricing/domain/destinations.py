"""Where something goes, as the rules of shipping and tax see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pycountry

# Country -> beginning of the post code -> region, where tax or customs differ and people rarely name the region.
_POSTED = {
    "ES": {"35": "ES-GC", "38": "ES-TF", "51": "ES-CE", "52": "ES-ML"},
    "FI": {"22": "FI-01"},
    "GB": {"BT": "GB-NIR"},
    "PT": {
        **dict.fromkeys(["90", "91", "92", "93", "94"], "PT-30"),
        **dict.fromkeys(["95", "96", "97", "98", "99"], "PT-20"),
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where something goes: ISO 3166-1 country, and the region as people write it (``NY``, ``US-NY``, ``New York``)."""

    country: str
    region: str = ""
    postal_code: str = ""

    @property
    def areas(self) -> tuple[str, ...]:
        """The region and what it is part of, as ISO 3166-2 writes them (``ES-GC``, ``ES-CN``); empty if not known."""
        return areas_of(self.country, self.region, self.postal_code)


@lru_cache(maxsize=4096)
def areas_of(country: str, region: str, postal_code: str = "") -> tuple[str, ...]:
    """Return the ISO 3166-2 codes, smallest first, of a region that is given by code or name, or by its post code."""
    regions, wanted = _regions(country), region.strip().casefold()
    found = regions.get(wanted) or regions.get(f"{country.casefold()}-{wanted}")
    posted = _POSTED.get(country, {}).get(postal_code.strip().upper()[:2])
    found = regions.get(posted.casefold()) if posted else found
    codes: list[str] = []
    while found is not None and found.code not in codes:
        codes.append(found.code)
        found = regions.get((found.parent_code or "").casefold())
    return tuple(codes)


@lru_cache(maxsize=256)
def _regions(country: str) -> dict[str, Any]:
    subdivisions: Any = pycountry.subdivisions  # their ``get`` carries no types
    known = subdivisions.get(country_code=country) or []
    by_name = {each.name.casefold(): each for each in known}
    return by_name | {each.code.casefold(): each for each in known}
