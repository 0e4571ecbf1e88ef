"""Which countries and regions there are in the world."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pycountry


def is_country(code: str) -> bool:
    """Tell whether it is a country of ISO 3166-1."""
    return len(code) == 2 and code.isupper() and pycountry.countries.get(alpha_2=code) is not None


def is_region(code: str, *, country: str = "") -> bool:
    """Tell whether it is a region of ISO 3166-2, of that country if one is given."""
    subdivisions: Any = pycountry.subdivisions  # their ``get`` carries no types
    found = subdivisions.get(code=code)
    return found is not None and found.code == code and country in ("", found.country_code)


def doubled(values: Iterable[str]) -> list[str]:
    """Return what stands there more than once."""
    listed = list(values)
    return sorted({value for value in listed if listed.count(value) > 1})
