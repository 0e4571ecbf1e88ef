from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from core.models import Delivery
from markets.api.market import market_of
from markets.domain import TaxRounding
from markets.errors import UnknownMarket
from markets.models import Market
from markets.tests.factories import make_market

MARKETS = "/api/v1/markets"
GERMANY = {"code": "de", "name": "Germany", "currency": "EUR", "countries": ["DE"], "language": "de"}


class Asker:
    """Whoever asks, as the views see them: markets stand below accounts and know no users."""

    pk = "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"
    is_active = True

    def __init__(self, *permissions: str) -> None:
        self.held = set(permissions)
        self.is_staff = bool(permissions)

    def has_perms(self, permissions: tuple[str, ...]) -> bool:
        return self.held.issuperset(permissions)


def client_of(*permissions: str) -> APIClient:
    client = APIClient()
    client.force_authenticate(Asker(*permissions))  # type: ignore[arg-type]
    return client


@pytest.fixture
def nobody() -> APIClient:
    return APIClient()


@pytest.fixture
def customer() -> APIClient:
    return client_of()


@pytest.fixture
def staff() -> APIClient:
    return client_of("markets.add_market", "markets.change_market")


@pytest.mark.django_db
class TestListMarkets:
    def test_shows_everyone_the_open_ones(
        self, nobody: APIClient, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        make_market("uk")
        make_market("jp", currency="JPY", countries=["JP"], language="ja")
        make_market("closed", is_active=False)

        with django_assert_num_queries(1):
            answer = nobody.get(MARKETS).json()

        assert (answer["count"], answer["next"], answer["previous"]) == (2, None, None)
        assert answer["results"][0] == {
            "code": "jp",
            "name": "JP",
            "countries": ["JP"],
            "currency": "JPY",
            "language": "ja",
            "prices_include_tax": True,
            "home_country": "",
            "tax_rounding": "line",
            "is_default": False,
            "is_active": True,
        }

    def test_goes_in_pages(self, nobody: APIClient) -> None:
        for code in ("a", "b", "c"):
            make_market(code)

        answer = nobody.get(MARKETS, {"size": 2}).json()

        assert answer["count"] == 3
        assert [each["code"] for each in nobody.get(answer["next"]).json()["results"]] == ["c"]

    def test_refuses_filters_that_it_does_not_know(self, nobody: APIClient) -> None:
        assert nobody.get(MARKETS, {"currency": "GBP"}).status_code == 400

    def test_answers_304_to_who_has_it(self, nobody: APIClient) -> None:
        make_market("uk")
        etag = nobody.get(MARKETS)["ETag"]

        assert nobody.get(MARKETS, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.django_db
class TestGetMarket:
    def test_shows_an_open_one(self, nobody: APIClient) -> None:
        make_market("uk")

        assert nobody.get(f"{MARKETS}/uk/").json()["currency"] == "GBP"

    @pytest.mark.parametrize("code", ["nowhere", "closed", "%00", "x" * 500])
    def test_does_not_know_others(self, nobody: APIClient, code: str) -> None:
        make_market("closed", is_active=False)

        assert nobody.get(f"{MARKETS}/{code}").status_code == 404


@pytest.mark.django_db
class TestCreateMarket:
    def test_opens_one_and_has_it_rendered(self, staff: APIClient) -> None:
        answer = staff.post(MARKETS, GERMANY, format="json")

        assert (answer.status_code, answer["Location"]) == (201, f"{MARKETS}/de")
        assert answer.json()["countries"] == ["DE"]
        assert Delivery.objects.get().handler == "products.handlers.render_market"

    def test_refuses_nobody_and_customers(self, nobody: APIClient, customer: APIClient) -> None:
        assert nobody.post(MARKETS, GERMANY, format="json").status_code == 401
        assert customer.post(MARKETS, GERMANY, format="json").status_code == 403
        assert not Market.objects.exists()

    def test_refuses_staff_who_may_only_change(self) -> None:
        assert client_of("markets.change_market").post(MARKETS, GERMANY, format="json").status_code == 403

    @pytest.mark.parametrize(
        ("wrong", "status"),
        [
            ({"code": "De!"}, 400),
            ({"currency": "euro"}, 400),
            ({"currency": None}, 400),
            ({"countries": "DE"}, 400),
            ({"countries": ["Germany"]}, 400),
            ({"is_default": True}, 400),
            ({"is_active": "yes"}, 400),
            ({"home_country": "Germany"}, 400),
            ({"home_country": None}, 400),
            ({"tax_rounding": "never"}, 400),
            ({"tax_rounding": None}, 400),
            ({"home_country": "ZZ"}, 422),
            ({"name": "a\0"}, 400),
            ({"currency": "ZZZ"}, 422),
            ({"countries": ["ZZ"]}, 422),
            ({"language": "xq"}, 422),
        ],
    )
    def test_refuses_what_cannot_be(self, staff: APIClient, wrong: dict[str, Any], status: int) -> None:
        assert staff.post(MARKETS, GERMANY | wrong, format="json").status_code == status
        assert not Market.objects.exists()

    def test_refuses_a_code_that_is_taken(self, staff: APIClient) -> None:
        make_market("de", name="First")

        answer = staff.post(MARKETS, GERMANY, format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "markets.exists")
        assert Market.objects.get(code="de").name == "First"


@pytest.mark.django_db
class TestUpdateMarket:
    def test_closes_and_reopens_one(self, staff: APIClient) -> None:
        make_market("de")

        closed = staff.patch(f"{MARKETS}/de", {"is_active": False}, format="json")
        opened = staff.patch(f"{MARKETS}/de", {"is_active": True}, format="json")

        assert (closed.json()["is_active"], opened.json()["is_active"]) == (False, True)

    def test_says_whose_tax_the_prices_contain_and_where_it_is_rounded(self, staff: APIClient) -> None:
        market = make_market("de", countries=["DE", "AT"])
        before = market.rules_version

        answer = staff.patch(f"{MARKETS}/de", {"home_country": "AT", "tax_rounding": "total"}, format="json")

        market.refresh_from_db()
        assert (answer.json()["home_country"], answer.json()["tax_rounding"]) == ("AT", "total")
        assert (market.home, market.rounding) == ("AT", TaxRounding.TOTAL)
        assert market.rules_version != before

    def test_sells_from_the_first_of_its_countries_unless_told_otherwise(self, staff: APIClient) -> None:
        market = make_market("de", countries=["DE", "AT"], home_country="AT")

        answer = staff.patch(f"{MARKETS}/de", {"home_country": ""}, format="json")

        market.refresh_from_db()
        assert answer.status_code == 200
        assert market.home == "DE"

    def test_honours_if_match(self, staff: APIClient) -> None:
        make_market("de")

        answer = staff.patch(f"{MARKETS}/de", {"name": "x"}, format="json", headers={"If-Match": '"old"'})

        assert answer.status_code == 412
        assert Market.objects.get(code="de").name == "DE"

    def test_keeps_the_default_open(self, staff: APIClient) -> None:
        make_market("uk")

        answer = staff.patch(f"{MARKETS}/uk", {"is_active": False}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (422, "markets.invalid")

    def test_refuses_nobody_and_customers(self, nobody: APIClient, customer: APIClient) -> None:
        make_market("de")

        assert nobody.patch(f"{MARKETS}/de", {"name": "x"}, format="json").status_code == 401
        assert customer.patch(f"{MARKETS}/de", {"name": "x"}, format="json").status_code == 403
        assert Market.objects.get(code="de").name == "DE"

    @pytest.mark.parametrize("body", [{"currency": "USD"}, {"code": "at"}])
    def test_refuses_to_change_what_is_for_ever(self, staff: APIClient, body: dict[str, str]) -> None:
        make_market("de")

        assert staff.patch(f"{MARKETS}/de", body, format="json").status_code == 400

    def test_knows_no_market_of_a_strange_name(self, staff: APIClient) -> None:
        assert staff.patch(f"{MARKETS}/%00", {"name": "x"}, format="json").status_code == 404


@pytest.mark.django_db
class TestMarketOf:
    def test_takes_the_parameter_before_the_header(self) -> None:
        for code in ("uk", "de", "jp"):
            make_market(code)
        ask = RequestFactory().get

        assert market_of(ask("/", {"market": "de"}, headers={"X-Market": "jp"})).code == "de"
        assert market_of(ask("/", headers={"X-Market": "jp"})).code == "jp"
        assert market_of(ask("/")).code == "uk"

    def test_refuses_a_header_that_is_no_code_beside_a_parameter_that_is(self) -> None:
        make_market("uk")

        with pytest.raises(UnknownMarket):
            market_of(RequestFactory().get("/", {"market": "uk"}, headers={"X-Market": "u k"}))

    @pytest.mark.parametrize("code", ["nowhere", "", "a\0", "'; DROP TABLE"])
    def test_refuses_an_unknown_one(self, code: str) -> None:
        make_market("uk")

        with pytest.raises(UnknownMarket):
            market_of(RequestFactory().get("/", {"market": code}))
