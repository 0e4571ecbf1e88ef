"""Two batches of an import at once are the same as one after the other, also when one fails and when all is killed."""

from __future__ import annotations

import csv
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core.tests.threads import in_thread
from inventory import services as inventory
from inventory.models import Movement, Stock
from markets.tests.factories import make_market
from products import services as products
from products.models import Category, ImportRun, Price, PricePoint, Product, ProductDocument, Variant
from products.services.documents import list_markets
from products.services.importing import ImportWish, Outcome, batches, import_file
from products.services.importing.rows import ProductRow
from products.services.importing.turns import Turn
from products.services.importing.writing import Item, make_item, write_beside
from products.tests.factories import make_category, make_product, make_variant

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EARLIER = NOON - timedelta(days=1)
SRC = Path(__file__).parents[2] / "src"
COLUMNS = ("sku", "name", "category", "price", "stock")

# Who has written all but the progress, and waits for the batch before: the connection's last statement is over.
_WAITING = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND state = 'idle in transaction' AND query = 'SET CONSTRAINTS ALL IMMEDIATE'
"""

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _shop() -> None:
    make_market()
    inventory.ensure_default_place()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of ten."""
    monkeypatch.setattr(batches, "BATCH", 10)


def row(number: int, **changes: object) -> dict[str, object]:
    good = {"sku": f"S-{number}", "name": f"Thing {number}", "category": "Home > Things"}
    return good | {"price": "12.50", "stock": 3} | changes


def write_csv(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.DictWriter(file, COLUMNS)
        sheet.writeheader()
        sheet.writerows(rows)
    return path


def bring(path: Path, at: datetime = NOON) -> Outcome:
    return import_file(wish=ImportWish(path=path, report=path.with_suffix(".report")), at=at)


def reported(path: Path) -> list[tuple[str, str]]:
    with path.with_suffix(".report").open(encoding="utf-8", newline="") as file:
        return [(line["line"], line["reason"]) for line in csv.DictReader(file)]


def slugs() -> list[str]:
    return sorted(Product.objects.values_list("slug", flat=True))


def check_all_is_there_once(count: int) -> None:
    """So many products have one of each row, documents are what a rebuild renders, and books agree."""
    for model in (Product, Variant, Price, PricePoint, Stock, Movement, ProductDocument):
        assert model.objects.count() == count, model
    assert Variant.objects.values("sku").distinct().count() == count
    _, differing = products.rebuild_documents(most=5000)
    assert differing == set()
    call_command("verify_books")


@contextmanager
def about_to_take(sku: str) -> Iterator[Variant]:
    """Have the block's transaction write a variant of that SKU, which others then wait to see the end of."""
    product = make_product("Other", with_variant=False)
    with transaction.atomic():
        yield Variant.objects.create(product=product, sku=sku)


def one_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(_WAITING)
        return bool(cursor.fetchone()[0])


def comes_to(is_so: Callable[[], bool], running: Future[Outcome] | subprocess.Popen[bytes]) -> bool:
    """Ask until it is so; tell whether it came to be before the import was over."""
    while not is_so():
        over = running.done() if isinstance(running, Future) else running.poll() is not None
        if over:
            return False
    return True


def item(number: int, name: str) -> Item:
    told = ProductRow(line=number, sku=f"S-{number}", name=name, category=("Home",), price_minor=100)
    return make_item(number=number, row=told, currency="GBP", at=NOON, markets=list_markets())


@pytest.mark.usefixtures("small")
class TestTwoAtATime:
    def test_a_batch_is_written_while_the_one_before_is(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "some.csv", [row(n) for n in range(35)])

        with ThreadPoolExecutor(max_workers=1) as people:
            with about_to_take("S-5"):
                running = people.submit(in_thread, bring, path)
                both = comes_to(one_waits, running)
                there = list(Variant.objects.values_list("sku", flat=True))
                transaction.set_rollback(True)
            outcome = running.result()
        Product.objects.filter(name="Other").delete()

        assert both
        assert there == ["S-5"], "that of the other alone"
        assert (outcome.created, outcome.refused) == (35, 0)
        assert ImportRun.objects.get().rows_done == 36
        check_all_is_there_once(35)

    def test_equal_names_get_the_slugs_that_they_get_one_after_the_other(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "some.csv", [row(n, name="Thing") for n in range(35)])

        outcome = bring(path)

        assert outcome.created == 35
        assert slugs() == sorted(["thing", *(f"thing-s-{n}" for n in range(1, 35))])

    @pytest.mark.parametrize("again", [9, 12, 21, 34])
    def test_a_sku_that_comes_again_is_refused_with_its_line(self, tmp_path: Path, again: int) -> None:
        rows = [row(n) for n in range(35)]
        rows[again] = row(3, name="Again")
        path = write_csv(tmp_path / "some.csv", rows)

        outcome = bring(path)

        [(line, reason)] = reported(path)
        assert (outcome.created, outcome.refused, line) == (34, 1, str(again + 2))
        assert "stands in" in reason
        assert not Product.objects.filter(name="Again").exists()
        check_all_is_there_once(34)

    def test_what_is_there_already_is_changed_between_what_is_new(self, tmp_path: Path) -> None:
        bring(write_csv(tmp_path / "first.csv", [row(14)]), EARLIER)
        several = make_variant(make_product(sku="S-25")).product

        path = write_csv(tmp_path / "some.csv", [row(n, price="9.99") for n in range(45)])
        outcome = bring(path)

        assert (outcome.created, outcome.changed, outcome.refused) == (43, 1, 1)
        assert reported(path) == [
            ("27", "A product cannot be like that. sku: S-25 belongs to a product with several variants")
        ]
        assert Price.objects.get(variant__sku="S-14").amount_minor == 999
        assert several.variants.count() == 2

    def test_categories_are_made_on_the_way(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "some.csv", [row(n, category=f"Home > Room {n // 4}") for n in range(35)])

        assert bring(path).created == 35

        assert Category.objects.count() == 10
        assert Product.objects.filter(category__slug="room-8").count() == 3

    def test_both_are_written_again_when_the_first_of_them_is_refused(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "some.csv", [row(n) for n in range(35)])

        with ThreadPoolExecutor(max_workers=1) as people:
            with about_to_take("S-5"):
                running = people.submit(in_thread, bring, path)
                both = comes_to(one_waits, running)
            outcome = running.result()

        assert both
        assert (outcome.created, outcome.changed, outcome.refused) == (34, 1, 0)
        assert Variant.objects.count() == ProductDocument.objects.count() == 35
        assert ImportRun.objects.get().rows_done == 36
        call_command("verify_books")


class TestWriteBeside:
    def test_takes_its_locks_in_order_and_its_progress_last(self) -> None:
        make_category("Home")
        run = ImportRun.objects.create(digest="d")

        with CaptureQueriesContext(connection) as statements:
            write_beside(
                items=[item(1, "Lamp")],
                run_id=run.pk,
                turn=Turn(lane=0, after=0, done=1, slugs_before={"lamp"}),
                at=NOON,
            )

        sent = [statement["sql"] for statement in statements]
        parts = [
            r"pg_advisory_xact_lock\(hashtext\('products_import'",
            r"pg_advisory_xact_lock_shared\(hashtext\('products_slugs'",
            r"pg_advisory_xact_lock_shared\(hashtext\('products_category'",
            r"products_category .* ORDER BY id FOR SHARE",
            r"INSERT INTO products_productdocument",
            r"SET CONSTRAINTS ALL IMMEDIATE",
            r"products_importrun.*FOR UPDATE",
            r"UPDATE .products_importrun",
        ]
        places = [next(place for place, text in enumerate(sent) if re.search(part, text)) for part in parts]
        assert places == sorted(places)
        assert slugs() == ["lamp-s-1"]


def test_who_is_killed_between_two_batches_goes_on_behind_the_first(tmp_path: Path) -> None:
    """The second hangs, and the third, which has written its rows, must not be counted as done before it."""
    path = write_csv(tmp_path / "some.csv", [row(n, name=f"Thing {n % 50}") for n in range(4500)])
    words = [sys.executable, "-c", _IN_DATABASE, connection.settings_dict["NAME"], str(path), str(tmp_path / "r")]

    def third_has_come() -> bool:
        done = ImportRun.objects.values_list("rows_done", flat=True).first() or 0
        return done > 1001 or (done == 1001 and one_waits())

    with about_to_take("S-1500"):
        run = subprocess.Popen(words, cwd=SRC)
        came = comes_to(third_has_come, run)
        run.send_signal(signal.SIGKILL)
        run.wait()
        transaction.set_rollback(True)
    Product.objects.filter(name="Other").delete()
    there = Variant.objects.count(), ImportRun.objects.get().rows_done

    outcome = import_file(wish=ImportWish(path=path, report=tmp_path / "r"), at=NOON)

    assert came
    assert there == (1000, 1001)
    assert (outcome.created, outcome.resumed_after) == (3500, 1001)
    check_all_is_there_once(4500)


_IN_DATABASE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
sys.path.insert(0, ".")
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
import django
django.setup()
from django.core.management import call_command
call_command("import_catalogue", sys.argv[2], "--report", sys.argv[3])
"""
