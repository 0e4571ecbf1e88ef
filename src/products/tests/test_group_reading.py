from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from accounts.models import CustomerGroup
from accounts.tests.factories import client_of, make_group, make_user
from products.models import Product
from products.tests.factories import make_price_list, make_product

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries
    from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db
LIST = "/api/v1/products"


@pytest.fixture
def group() -> CustomerGroup:
    return make_group()


@pytest.fixture
def member(group: CustomerGroup) -> APIClient:
    return client_of(make_user(customer_group=group))


@pytest.fixture
def lamps(group: CustomerGroup) -> list[Product]:
    cheap, fair, dear = (make_product(name, price_minor=minor) for name, minor in NAMES.items())
    make_price_list((dear.variants.get(), 500), group=group)
    return [cheap, fair, dear]


NAMES = {"Cheap": 900, "Fair": 1000, "Dear": 2000}


def prices(client: Any, **query: str) -> list[tuple[str, str]]:
    answer = client.get(LIST, query)
    assert answer.status_code == 200, answer.content
    return [(row["name"], row["price"]["amount"]) for row in answer.json()["results"]]


@pytest.mark.usefixtures("lamps")
class TestList:
    def test_shows_and_sorts_by_the_prices_of_the_readers_group(self, member: APIClient, client: Client) -> None:
        assert prices(member, sort="price") == [("Dear", "5.00"), ("Cheap", "9.00"), ("Fair", "10.00")]
        assert prices(member, sort="-price") == [("Fair", "10.00"), ("Cheap", "9.00"), ("Dear", "5.00")]
        assert prices(client, sort="price") == [("Cheap", "9.00"), ("Fair", "10.00"), ("Dear", "20.00")]

    def test_filters_by_the_prices_of_the_readers_group(self, member: APIClient, client: Client) -> None:
        assert prices(member, max_price="6") == [("Dear", "5.00")]
        assert prices(client, max_price="6") == []
        assert member.get(LIST, {"min_price": "6"}).json()["count"] == 2

    @pytest.mark.parametrize("sort", ["newest", "price", "-price", "name"])
    def test_walks_by_cursor_as_by_page(self, member: APIClient, sort: str) -> None:
        whole, walked, cursor = prices(member, sort=sort), [], ""
        while cursor is not None:
            page = member.get(LIST, {"sort": sort, "size": "1", "cursor": cursor}).json()
            walked += [(row["name"], row["price"]["amount"]) for row in page["results"]]
            cursor = page.get("next_cursor")

        assert walked == whole

    def test_asks_once_who_reads_and_once_for_the_list(
        self, member: APIClient, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for reader, statements in ((member, 2), (client, 1)):
            with django_assert_num_queries(statements):
                prices(reader)

    def test_no_cache_gives_it_to_others(self, member: APIClient, client: Client) -> None:
        ours, everybodys = member.get(LIST), client.get(LIST)

        assert ours["Cache-Control"].startswith("private")
        assert everybodys["Cache-Control"].startswith("public")
        assert "Authorization" in ours["Vary"]
        assert "Authorization" in everybodys["Vary"]
        assert ours["ETag"] != everybodys["ETag"]
        assert member.get(LIST, headers={"If-None-Match": everybodys["ETag"]}).status_code == 200
        assert member.get(LIST, headers={"If-None-Match": ours["ETag"]}).status_code == 304

    def test_of_those_in_another_group_or_with_a_spent_token_is_everybodys(self, client: Client) -> None:
        stranger = client_of(make_user(customer_group=make_group("friends")))

        assert prices(stranger, sort="name") == prices(client, sort="name")
        for header in ("Bearer forged", "Bearer", "Basic x", "Bearer \u00e9"):
            answer = client.get(LIST, {"sort": "name"}, headers={"Authorization": header})
            assert [row["price"]["amount"] for row in answer.json()["results"]] == ["9.00", "20.00", "10.00"]


class TestDetail:
    def test_shows_the_price_of_the_readers_group(
        self,
        member: APIClient,
        client: Client,
        lamps: list[Product],
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        dear = lamps[2]
        for key in (str(dear.pk), dear.slug):
            with django_assert_num_queries(2):
                ours = member.get(f"{LIST}/{key}")
            with django_assert_num_queries(1):
                everybodys = client.get(f"{LIST}/{key}")

            assert (ours.json()["price"]["amount"], everybodys.json()["price"]["amount"]) == ("5.00", "20.00")
            assert ours["Cache-Control"].startswith("private")
            assert ours["ETag"] != everybodys["ETag"]

    def test_shows_what_is_the_same_for_all(self, member: APIClient, client: Client, lamps: list[Product]) -> None:
        url = f"{LIST}/{lamps[0].slug}"

        assert member.get(url).json() == client.get(url).json()
