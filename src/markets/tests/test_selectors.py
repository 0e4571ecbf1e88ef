from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from core.ids import new_id
from markets import selectors
from markets.errors import MarketNotFound, UnknownMarket
from markets.tests.factories import make_market


@pytest.mark.django_db
class TestGetMarket:
    def test_returns_the_default_without_a_code(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        market = make_market("uk")
        make_market("de")

        with django_assert_num_queries(1):
            found = selectors.get_market(code=None)

        assert found == market

    def test_returns_the_one_of_that_code(self) -> None:
        market = make_market("de")

        assert selectors.get_market(code="de") == market

    @pytest.mark.parametrize("code", ["nowhere", "closed", "DE"])
    def test_refuses_unknown_and_closed_ones(self, code: str) -> None:
        make_market("closed", is_active=False)

        with pytest.raises(UnknownMarket) as refusal:
            selectors.get_market(code=code)

        assert refusal.value.status == 400
        assert refusal.value.facts["errors"][0]["field"] == "market"


@pytest.mark.django_db
class TestGetMarketById:
    def test_returns_a_closed_one_too(self) -> None:
        market = make_market("de", is_active=False)

        assert selectors.get_market_by_id(market_id=market.pk) == market

    def test_refuses_an_unknown_one(self) -> None:
        with pytest.raises(MarketNotFound):
            selectors.get_market_by_id(market_id=new_id())


@pytest.mark.django_db
class TestGetMarketByCode:
    def test_hides_closed_ones_unless_asked(self) -> None:
        market = make_market("de", is_active=False)

        with pytest.raises(MarketNotFound):
            selectors.get_market_by_code(code="de")

        assert selectors.get_market_by_code(code="de", active_only=False) == market

    def test_refuses_codes_that_cannot_be(self) -> None:
        with pytest.raises(MarketNotFound):
            selectors.get_market_by_code(code="a\0")


@pytest.mark.django_db
class TestListMarkets:
    def test_lists_open_ones_by_code(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        for code in ("uk", "jp", "de"):
            make_market(code)
        make_market("closed", is_active=False)

        with django_assert_num_queries(1):
            codes = [market.code for market in selectors.list_markets()]

        assert codes == ["de", "jp", "uk"]
        assert selectors.list_markets(active_only=False).count() == 4
