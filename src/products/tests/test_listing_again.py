"""Lists that were asked for before: by the same reader, and by the same process."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from products.models import Category, Product
from products.tests.factories import make_category, make_product, refresh
from products.tests.test_listing import LIST, names

pytestmark = pytest.mark.django_db


class TestListDocumentsAgain:
    def test_answers_304_to_whoever_has_it(self, client: Client) -> None:
        product = make_product("Lamp")
        etag = client.get(LIST)["ETag"]

        assert client.get(LIST, headers={"If-None-Match": etag}).status_code == 304
        assert client.get(LIST, headers={"If-None-Match": f'W/{etag}, "x"'}).content == b""
        Product.objects.filter(pk=product.pk).update(name="Other")
        refresh(product)
        assert client.get(LIST, headers={"If-None-Match": etag}).status_code == 200

    @pytest.mark.parametrize("query", [{}, {"tag": "bright"}, {"sort": "price"}])
    def test_finds_what_is_below_a_category_wherever_that_has_moved(
        self, client: Client, query: dict[str, str]
    ) -> None:
        above = make_category("Light")
        category = make_category("Lamps")
        product = make_product("Lamp", category=category, tags=["bright"])
        found = [names(client, category=category.slug, **query) for _ in range(2)]

        for parent in (above, None):
            ancestors = [parent.pk] if parent else []
            Category.objects.filter(pk=category.pk).update(parent=parent, ancestor_ids=[*ancestors, category.pk])
            refresh(product)
            found += [names(client, category=category.slug, **query) for _ in range(2)]

        assert found == [["Lamp"]] * 6
        Category.objects.filter(pk=category.pk).update(slug="moved")
        assert client.get(LIST, {"category": category.slug}).status_code == 400

    def test_looks_for_a_category_where_it_was_before(self, client: Client) -> None:
        category = make_category("Lamps", parent=make_category("Light"))
        make_product("Lamp", category=category)
        names(client, category=category.slug)

        with CaptureQueriesContext(connection) as asked:
            names(client, category=category.slug)

        assert [each["sql"].count("UNION ALL") for each in asked] == [0]

    @pytest.mark.parametrize(
        "query", [{}, {"category": "lamps"}, {"in_stock": "false"}, {"search": "lamp"}, {"page": 2, "size": 1}]
    )
    def test_reads_no_documents_for_whoever_has_them(self, client: Client, query: dict[str, str]) -> None:
        for name in ("Lamp", "Other lamp"):
            make_product(name, category=make_category(name, slug=name.lower().replace(" ", "-") + "s"))
        held = client.get(LIST, query)

        with CaptureQueriesContext(connection) as asked:
            answer = client.get(LIST, query, headers={"If-None-Match": held["ETag"]})
        with CaptureQueriesContext(connection) as asked_of_other:
            other = client.get(LIST, query, headers={"If-None-Match": '"other"'})

        assert (answer.status_code, answer["ETag"]) == (304, held["ETag"])
        assert ["d.document" in each["sql"] for each in asked] == [False]
        assert (other.status_code, other.content, other["ETag"]) == (200, held.content, held["ETag"])
        assert ["d.document" in each["sql"] for each in asked_of_other] == [False, True]
