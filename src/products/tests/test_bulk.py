from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import DomainError
from core.ids import new_id
from markets.tests.factories import make_market
from products import services
from products.domain import NewImage, NewProduct, NewVariant, Written
from products.errors import CategoryNotFound, PriceInvalid, ProductInvalid
from products.models import Category, Price, Product, ProductDocument, ProductImage, Variant
from products.services.drafts import as_stored
from products.tests.factories import make_category, make_product

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.django_db


def row(
    sku: str, category: Category, *, price_minor: int = 500, currency: str = "GBP", stock: int = 2, **fields: Any
) -> NewProduct:
    given: dict[str, Any] = {
        "name": f"Lamp {sku}",
        "category_id": category.pk,
        "description": "Of oak",
        "tags": ["oak", 'a "b"'],
        "images": [NewImage(source_url=f"https://example.com/{sku}.jpg")],
        "variants": [NewVariant(sku=sku, price_minor=price_minor, currency=currency, stock=stock)],
    }
    return NewProduct(**(given | fields))


def load(rows: Sequence[NewProduct]) -> Written:
    return services.create_many(products=rows, at=timezone.now())


class TestCreateMany:
    def test_writes_everything_in_the_same_number_of_statements_for_any_number(self) -> None:
        make_market()
        category = make_category()

        counts = []
        for rows in ([row("A", category)], [row(f"B{n}", category) for n in range(30)]):
            with CaptureQueriesContext(connection) as statements:
                assert load(rows) == Written(created=len(rows))
            counts.append(len(statements))

        assert counts[0] == counts[1] <= 24
        assert ProductDocument.objects.filter(in_stock=True).count() == 31
        document = orjson.loads(ProductDocument.objects.get(skus__contains=["A"]).document)
        assert (document["price"]["amount"], document["tags"]) == ("5.00", ["oak", 'a "b"'])
        assert document["images"][0]["url"] == "https://example.com/A.jpg"

    def test_changes_nothing_the_second_time(self) -> None:
        make_market()
        category = make_category()
        rows = [row(f"A{n}", category) for n in range(5)]
        load(rows)
        before = set(ProductDocument.objects.values_list("product_id", "version")), list(Price.objects.values())

        assert load(rows) == Written(unchanged=5)

        assert (
            set(ProductDocument.objects.values_list("product_id", "version")),
            list(Price.objects.values()),
        ) == before

    def test_writes_only_what_differs(self) -> None:
        make_market()
        category = make_category()
        rows = [row(f"A{n}", category) for n in range(4)]
        load(rows)

        second = [
            rows[0],
            replace(rows[1], name="Other"),
            row("A2", category, price_minor=700),
            replace(rows[3], images=[]),
            row("A4", category),
        ]

        assert load(second) == Written(created=1, changed=3, unchanged=1)
        assert Price.objects.get(variant__sku="A2").amount_minor == 700
        assert Product.objects.filter(name="Other").count() == 1
        assert ProductImage.objects.count() == 4

    def test_keeps_tax_class_and_shipping_that_are_not_told(self) -> None:
        make_market()
        told, silent = row("A", category := make_category(), tax_class="reduced"), row("A", category)
        digital = replace(told.variants[0], needs_shipping=False)
        load([replace(told, variants=[digital])])

        assert load([silent]) == Written(unchanged=1)
        assert load([replace(told, tax_class="zero", variants=[replace(digital, needs_shipping=True)])]).changed == 1

        assert Product.objects.get().tax_class == "zero"
        assert Variant.objects.get().needs_shipping is True

    @pytest.mark.parametrize("tax_class", ["", "a b", "x" * 51])
    def test_refuses_what_is_no_tax_class(self, tax_class: str) -> None:
        with pytest.raises(ProductInvalid):
            load([row("A", make_category(), tax_class=tax_class)])

        assert not Product.objects.exists()

    def test_gives_equal_names_different_slugs(self) -> None:
        make_market()
        category = make_category()
        make_product("x", slug="lamp")

        load([row(f"A{n}", category, name="Lamp") for n in range(3)])

        assert Product.objects.values("slug").distinct().count() == 4
        assert Product.objects.filter(slug="lamp-a1").exists()

    @pytest.mark.parametrize(
        ("wrong", "refusal"),
        [
            ({"name": " "}, ProductInvalid),
            ({"name": "a\0"}, ProductInvalid),
            ({"tags": ["x" * 101]}, ProductInvalid),
            ({"slug": "a b"}, ProductInvalid),
            ({"price_minor": -1}, PriceInvalid),
            ({"price_minor": 2**63}, PriceInvalid),
            ({"currency": "XXQ"}, PriceInvalid),
            ({"stock": -1}, ProductInvalid),
            ({"category_id": new_id()}, CategoryNotFound),
            ({"variants": ()}, ProductInvalid),
        ],
    )
    def test_refuses_the_batch_for_one_wrong_row(self, wrong: dict[str, Any], refusal: type[DomainError]) -> None:
        make_market()
        category = make_category()

        with pytest.raises(refusal):
            load([row("A", category), row("B", category, **wrong)])

        assert not Variant.objects.exists()

    def test_refuses_a_sku_that_stands_there_twice(self) -> None:
        category = make_category()

        with pytest.raises(ProductInvalid):
            load([row("A", category), row("A", category)])


class TestFirstDocuments:
    """What a bulk load writes from the rows that it was given is what a rebuild renders from the tables."""

    def test_are_what_a_rebuild_renders(self) -> None:
        make_market()
        make_market("jp", currency="JPY", countries=["JP"])
        make_market("ie", currency="GBP", countries=["IE"])
        category = make_category("Light", slug="light", parent=make_category("Home", slug="home"))
        load(
            [
                row("PLAIN", category),
                row("NO-STOCK", category, stock=0, images=[]),
                row("YEN", category, currency="JPY", description="*Fine* <b>wood</b>\n\n- oak\t\\N"),
                row(
                    "MANY",
                    category,
                    name='Ünï \\ "q" {a,b}',
                    brand="A\tB",
                    tags=["", "c\\d", "{e}", "f,g"],
                    attributes={"Width": 15.0, "Ab": [1, {"zz": None, "y": -0.0}], "É": True, "aaa": 1e-7, "b": "x"},
                    options=[{"values": ["S", "M", "L"], "name": "Size"}],
                    variants=[
                        NewVariant(sku="MANY-M", price_minor=900, currency="GBP", options={"Size": "M"}, stock=None),
                        NewVariant(
                            sku="MANY-S",
                            price_minor=500,
                            currency="GBP",
                            compare_at_minor=800,
                            options={"Size": "S"},
                            weight_grams=3,
                            stock=4,
                        ),
                        NewVariant(sku="MANY-L", price_minor=None, currency="GBP", options={"Size": "L"}, stock=1),
                    ],
                ),
            ]
        )

        _, differing = services.rebuild_documents()

        assert differing == set()
        assert ProductDocument.objects.count() == 7

    @given(
        value=st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
            st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False),
            max_size=6,
        )
    )
    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_show_facts_as_the_database_gives_them_back(self, value: dict[str, Any]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT (%s::jsonb)::json::text", [orjson.dumps(value).decode()])
            stored = orjson.loads(cursor.fetchone()[0])

        assert orjson.dumps(as_stored(value)) == orjson.dumps(stored)
