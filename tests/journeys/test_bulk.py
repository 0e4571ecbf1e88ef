"""What a bulk load makes is what the API makes, and it holds while the shop sells."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.ids import new_id
from core.models import OutboxEvent
from core.tests.threads import in_thread
from core.transactions import command
from inventory import services as inventory
from inventory.models import Movement, Stock
from markets.tests.factories import make_market
from products import services as products
from products.domain import AmountGiven, ProductData, VariantData
from products.models import Category, PricePoint, Product, ProductDocument, Variant
from products.services.importing import ImportWish, Outcome, import_file

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2036, 3, 1, 12, tzinfo=UTC)
UNITS = 50
SRC = Path(__file__).parents[2] / "src"
COLUMNS = ("sku", "name", "description", "category", "brand", "tags", "price", "compare_at_price", "stock")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _shop() -> None:
    make_market()
    inventory.ensure_default_place()


def write_goods(path: Path, first: int, last: int, **told: object) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.DictWriter(file, COLUMNS, restval="")
        sheet.writeheader()
        for number in range(first, last):
            goods = {"sku": f"S-{number}", "name": f"Thing {number % 100}", "category": f"Home > {number % 7}"}
            sheet.writerow(goods | {"price": "12.50", "stock": 3} | told)
    return path


def bring(path: Path, at: datetime) -> Outcome:
    return import_file(wish=ImportWish(path=path, report=path.with_suffix(".report")), at=at)


def rows_of(product: Product) -> dict[str, Any]:
    """Everything that was written of a product, but for ids and times."""
    variants = product.variants.values("sku", "options", "position", "weight_grams", "is_available", "needs_shipping")
    stock = Stock.objects.filter(variant__product=product)
    document = ProductDocument.objects.get(product=product)
    with connection.cursor() as cursor:
        cursor.execute("SELECT search::text FROM products_productdocument WHERE id = %s", [document.pk])
        search = cursor.fetchone()[0]
    columns = ("market_id", "slug", "name", "category_ids", "tags", "skus", "price_minor", "in_stock", "rating")
    return {
        "product": Product.objects.values(
            "name", "slug", "category_id", "description", "tags", "brand", "options", "attributes", "tax_class"
        ).get(pk=product.pk),
        "variants": list(variants),
        "prices": list(product.variants.values("prices__currency", "prices__amount_minor", "prices__compare_at_minor")),
        "points": list(
            PricePoint.objects.filter(variant__product=product).values(
                "currency", "market_id", "amount_minor", "is_reduced", "from_at"
            )
        ),
        "stock": list(stock.values("place_id", "on_hand", "reserved")),
        "movements": list(Movement.objects.filter(stock__in=stock).values("difference", "reason", "at")),
        "row": {name: getattr(document, name) for name in columns},
        "published": document.published_at,
        "search": search,
        "document": _anonymous(document.document, product),
    }


def _anonymous(body: str, product: Product) -> str:
    """Return the document's bytes with names in place of what is never the same twice."""
    for number, pk in enumerate([product.pk, *product.variants.values_list("pk", flat=True)]):
        body = body.replace(str(pk), f"id {number}")
    return re.sub('"updated_at":"[^"]*"', '"updated_at":"then"', body)


class TestAgainstTheApi:
    @pytest.mark.parametrize(
        "told",
        [
            {},
            {"description": 'Of *oak*\n\n- and\t\\N \\ "more" <b>&</b> 1. 2. 3', "brand": "A \\ B", "stock": 0},
            {"tags": ["blue", 'a "b"', "c\\d", "{e}"], "compare_at_price": "20.00"},
            {"name": "Ünï \u2013 côde  №  5", "description": "Plain. With 2. points -- and €", "tags": ["é"]},
        ],
    )
    def test_an_imported_product_is_the_one_that_the_api_makes(self, tmp_path: Path, told: dict[str, Any]) -> None:
        given = {"name": "A lamp", "description": "", "brand": "", "tags": [], "stock": 3} | told
        compare_at = given.pop("compare_at_price", None)
        sheet = given | {"tags": "|".join(given["tags"]), "compare_at_price": compare_at or ""}
        bring(write_goods(tmp_path / "some.csv", 1, 2, **sheet), NOON)
        brought = Product.objects.get()
        imported = rows_of(brought)
        facts = {event.name for event in OutboxEvent.objects.all()}
        _forget(brought)

        made = products.create_product(
            data=ProductData(
                category=str(imported["product"]["category_id"]),
                variants=[
                    VariantData(
                        sku="S-1",
                        price=AmountGiven(amount=Decimal("12.50")),
                        compare_at_price=AmountGiven(amount=Decimal(compare_at)) if compare_at else None,
                        stock=given.pop("stock"),
                    )
                ],
                **given,
            ),
            actor_id=None,
            at=NOON,
        )

        assert rows_of(made) == imported
        # Of thousands of new products nobody is told one by one.
        assert {event.name for event in OutboxEvent.objects.all()} - facts == {"products.product_created"}


def _forget(product: Product) -> None:
    """Put it out of the way of another with the same slug and SKU."""
    Variant.objects.filter(product=product).update(sku="gone")
    Product.objects.filter(pk=product.pk).update(slug="gone")
    Category.objects.update(updated_at=NOON)


class TestWhileOthersWrite:
    def test_units_are_sold_while_their_products_are_imported_again(self, tmp_path: Path) -> None:
        bring(write_goods(tmp_path / "first.csv", 0, 60, stock=UNITS), NOON)
        variants = list(Variant.objects.order_by("sku").values_list("pk", flat=True))
        again = write_goods(tmp_path / "again.csv", 0, 3000, stock=UNITS, price="11.00")

        with ThreadPoolExecutor(max_workers=2) as people:
            running = people.submit(in_thread, bring, again, timezone.now())
            sold = people.submit(in_thread, _sell, variants).result()
            outcome = running.result()

        assert (outcome.created, outcome.changed) == (2940, 60)
        assert set(Stock.objects.filter(variant__in=variants).values_list("on_hand", flat=True)) == {UNITS}
        assert sum(Stock.objects.values_list("reserved", flat=True)) == sold == 2 * UNITS
        assert not ProductDocument.objects.get(product__variants=variants[0]).in_stock
        _, differing = products.rebuild_documents(most=5000)
        assert differing == set()

    def test_two_imports_at_once_share_names_and_categories(self, tmp_path: Path) -> None:
        files = [write_goods(tmp_path / f"{n}.csv", n * 1500, (n + 1) * 1500) for n in range(2)]

        with ThreadPoolExecutor(max_workers=2) as people:
            outcomes = list(people.map(lambda path: in_thread(bring, path, timezone.now()), files))

        assert [outcome.created for outcome in outcomes] == [1500, 1500]
        assert Product.objects.values("slug").distinct().count() == ProductDocument.objects.count() == 3000
        assert Category.objects.count() == 8

    def test_documents_show_the_markets_that_there_are_when_a_batch_is_written(self, tmp_path: Path) -> None:
        path = write_goods(tmp_path / "some.csv", 0, 1500)

        def open_another(rows: int) -> None:
            if not opened:
                opened.append(rows)
                people.submit(in_thread, lambda: make_market("ie", countries=["IE"])).result()

        opened: list[int] = []
        with ThreadPoolExecutor(max_workers=1) as people:
            import_file(wish=ImportWish(path=path, report=tmp_path / "r"), at=NOON, progress=open_another)

        assert ProductDocument.objects.count() == 3000
        _, differing = products.rebuild_documents(most=5000)
        assert differing == set()


def _sell(variants: list[Any]) -> int:
    """Promise all units of the first and one each of the others, two at a time, and return how many that were."""
    for turn in range(UNITS):
        wanted = {variants[0]: 1, variants[1 + turn % (len(variants) - 1)]: 1}
        command(inventory.reserve_stock)(reference=new_id(), wanted=wanted, expires_at=LATER)
    return 2 * UNITS


@pytest.mark.long
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks = {count: _peak_of(tmp_path, count) for count in (5_000, 50_000)}

    assert peaks[50_000] < 1.25 * peaks[5_000], peaks


def _peak_of(folder: Path, count: int) -> int:
    """Import so many products in a process of its own, and return the most that it had in memory, in kilobytes."""
    path = write_goods(folder / f"{count}.csv", count, 2 * count, description="Of oak. " * 30)
    words = [sys.executable, "-c", _MEASURED, connection.settings_dict["NAME"], str(path), str(folder / "report")]
    done = subprocess.run(words, cwd=SRC, stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout.splitlines()[-1])


_MEASURED = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
sys.path.insert(0, ".")
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
import django
django.setup()
from django.core.management import call_command
call_command("import_catalogue", sys.argv[2], "--report", sys.argv[3])
print()
print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))
"""
