"""Inventory stands a floor above: here the stock that is declared only decides what can be had."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from pytest_django import Settings

from markets.tests.factories import make_market
from products import engine
from products.services import set_availability
from products.tests.searching import Counted, remove_indexes, searched_by


@pytest.fixture(autouse=True)
def _declared_stock(settings: Any) -> None:
    settings.EVENT_INLINE_SUBSCRIPTIONS = {"products.stock_declared": (f"{__name__}.take_over",)}


def take_over(*, units: dict[str, int], **_: object) -> None:
    """Take a declared count over as inventory would."""
    set_availability(available={UUID(variant): count > 0 for variant, count in units.items()})


@pytest.fixture
def counted(opensearch_url: str, settings: Settings) -> Iterator[Counted]:
    """OpenSearch answers; who answered is counted."""
    with searched_by(opensearch_url, settings) as counted:
        make_market()
        yield counted
        settings.SEARCH_URL = opensearch_url
        engine.forget_engine()
        remove_indexes()
