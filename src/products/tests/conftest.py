"""Inventory stands a floor above: here the stock that is declared only decides what can be had."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from products.services import set_availability


@pytest.fixture(autouse=True)
def _declared_stock(settings: Any) -> None:
    settings.EVENT_INLINE_SUBSCRIPTIONS = {"products.stock_declared": (f"{__name__}.take_over",)}


def take_over(*, units: dict[str, int], **_: object) -> None:
    """Take a declared count over as inventory would."""
    set_availability(available={UUID(variant): count > 0 for variant, count in units.items()})
