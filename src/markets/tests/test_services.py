from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction

from core.models import OutboxEvent
from markets import services
from markets.errors import MarketExists, MarketInvalid, MarketNotFound
from markets.models import Market
from markets.tests.factories import make_market

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
GERMANY = services.MarketData(code="de", name="Germany", currency="EUR", countries=["DE", "AT"], language="de")


def announced() -> list[str]:
    return [
        event.payload["market_id"] for event in OutboxEvent.objects.filter(name="markets.market_saved").order_by("pk")
    ]


@pytest.mark.django_db
class TestEnsureDefaultMarket:
    def test_makes_it_once(self) -> None:
        first = services.ensure_default_market(at=NOON)

        second = services.ensure_default_market(at=NOON)

        assert (first.code, first.currency, first.is_default) == ("uk", "GBP", True)
        assert first == second
        assert Market.objects.count() == 1

    def test_leaves_another_default_alone(self) -> None:
        other = make_market("jp", currency="JPY", is_default=True)

        assert services.ensure_default_market(at=NOON) == other


@pytest.mark.django_db
class TestCreateMarket:
    def test_opens_it_and_announces_it(self) -> None:
        market = services.create_market(data=GERMANY, at=NOON)

        assert (market.currency, market.countries, market.is_default) == ("EUR", ["DE", "AT"], False)
        assert announced() == [str(market.pk)]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"currency": "XXZ"},
            {"currency": "eur"},
            {"currency": "XXX"},
            {"countries": ["DE", "ZZ"]},
            {"countries": ["DE", "DE"]},
            {"home_country": "ZZ"},
            {"language": "xq"},
            {"language": "e n"},
        ],
    )
    def test_refuses_what_the_world_does_not_know(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(MarketInvalid) as refusal:
            services.create_market(data=replace(GERMANY, **wrong), at=NOON)

        assert refusal.value.facts["field"] == next(iter(wrong))
        assert not Market.objects.exists()
        assert announced() == []

    def test_refuses_a_code_that_is_taken(self) -> None:
        make_market("de", name="First")

        with pytest.raises(MarketExists):
            services.create_market(data=GERMANY, at=NOON)

        assert Market.objects.get(code="de").name == "First"
        assert announced() == []


@pytest.mark.django_db(transaction=True)
def test_a_code_is_given_once() -> None:
    def try_to_create(_: int) -> str:
        try:
            services.create_market(data=GERMANY, at=NOON)
        except MarketExists:
            return "refused"
        finally:
            connections.close_all()
        return "created"

    with ThreadPoolExecutor(max_workers=4) as staff:
        outcomes = sorted(staff.map(try_to_create, range(4)))

    assert outcomes == ["created"] + ["refused"] * 3
    assert len(announced()) == 1


@pytest.mark.django_db
class TestUpdateMarket:
    def test_changes_it_and_announces_it(self) -> None:
        market = make_market("de", currency="EUR")

        services.update_market(code="de", changes={"name": "Deutschland", "is_active": False}, at=NOON)

        market.refresh_from_db()
        assert (market.name, market.is_active) == ("Deutschland", False)
        assert announced() == [str(market.pk)]

    @pytest.mark.parametrize(
        "changes", [{"currency": "USD"}, {"countries": ["ZZ"]}, {"home_country": "ZZ"}, {"language": "xq"}]
    )
    def test_refuses_what_cannot_be(self, changes: dict[str, Any]) -> None:
        make_market("de", currency="EUR")

        with pytest.raises(MarketInvalid):
            services.update_market(code="de", changes={"name": "New", **changes}, at=NOON)

        assert Market.objects.get(code="de").name == "DE"
        assert announced() == []

    def test_keeps_the_default_open(self) -> None:
        make_market("uk")

        with pytest.raises(MarketInvalid):
            services.update_market(code="uk", changes={"is_active": False}, at=NOON)

        assert Market.objects.get(code="uk").is_active

    def test_refuses_an_unknown_one(self) -> None:
        with pytest.raises(MarketNotFound):
            services.update_market(code="nowhere", changes={"name": "x"}, at=NOON)


@pytest.mark.django_db
class TestConstraints:
    @pytest.mark.parametrize(
        "fields", [{"is_default": True}, {"currency": "eur"}, {"is_default": True, "is_active": False}, {"code": "uk"}]
    )
    def test_hold_in_the_database(self, fields: dict[str, Any]) -> None:
        make_market("uk")
        market = Market(**{"code": "de", "name": "Germany", "currency": "EUR"} | fields)

        with pytest.raises(IntegrityError), transaction.atomic():
            market.save(force_insert=True)

        assert Market.objects.count() == 1
