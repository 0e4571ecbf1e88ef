"""A merchant brings a catalogue."""

from __future__ import annotations

import csv
import gc
import gzip
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core.models import OutboxEvent
from inventory import services as inventory
from inventory.models import Movement, Stock
from markets.tests.factories import make_market
from products.errors import HeaderWrong
from products.models import Category, ImportRun, Price, Product, ProductDocument, ProductImage, Variant
from products.services import importing
from products.services.importing import ImportWish, Outcome, batches, import_file
from tests.journeys.real_data import INVOICES, SHARED

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_minutes = count(1)
COLUMNS = ("sku", "name", "category", "price", "stock", "tags")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _shop() -> None:
    make_market()
    inventory.ensure_default_place()


def row(number: int, **changes: object) -> dict[str, object]:
    good = {"sku": f"S-{number}", "name": f"Thing {number}", "category": "Home > Things", "price": "12.50"}
    return good | {"stock": 3, "tags": "blue|round"} | changes


def write_csv(path: Path, rows: list[dict[str, object]], columns: tuple[str, ...] = COLUMNS) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.DictWriter(file, columns)
        sheet.writeheader()
        sheet.writerows(rows)
    return path


def bring(path: Path, **wish: Any) -> Outcome:
    at = NOON + timedelta(minutes=next(_minutes))
    return import_file(wish=ImportWish(path=path, report=path.with_suffix(".report"), **wish), at=at)


def reported(path: Path) -> list[tuple[str, str, str]]:
    with path.with_suffix(".report").open(encoding="utf-8", newline="") as file:
        return [(line["line"], line["outcome"], line["reason"]) for line in csv.DictReader(file)]


_TABLES = (Product, Variant, Price, ProductImage, Category, Stock, Movement)


def state() -> dict[str, object]:
    """What a second run must not change."""
    return {
        "documents": sorted(ProductDocument.objects.values_list("product_id", "version")),
        "counts": [
            model.objects.count() for model in (Product, Variant, Price, ProductImage, Category, Stock, Movement)
        ],
        "stock": sorted(Stock.objects.values_list("variant_id", "on_hand")),
    }


class TestImportFile:
    def test_makes_products_with_documents_stock_tags_and_categories(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "some.csv", [row(n) for n in range(3)])

        outcome = bring(path)

        document = orjson.loads(ProductDocument.objects.get(slug="thing-1").document)
        assert (outcome.mapping, outcome.created, outcome.refused) == ("shop", 3, 0)
        assert document["price"] == {"amount": "12.50", "currency": "GBP"}
        assert document["in_stock"] is True
        assert document["tags"] == ["blue", "round"]
        assert document["category"]["path"] == "home/things"
        assert Stock.objects.get(variant__sku="S-1").on_hand == 3

    def test_announces_nothing_to_staff_or_customers(self, tmp_path: Path) -> None:
        bring(write_csv(tmp_path / "some.csv", [row(1)]))

        assert not OutboxEvent.objects.filter(name="products.product_created").exists()

    def test_refuses_a_bad_row_in_the_middle_and_takes_the_rest(self, tmp_path: Path) -> None:
        bad = [
            row(2, price="-1"),
            row(3, price="1.005"),
            row(4, price="1e2000"),
            row(5, name=""),
            row(6, name="a\x00b"),
            row(7, stock="2.5"),
            row(8, sku="../x"),
            row(9, name="x" * 1_000_000),
            row(10, price="NaN"),
            row(1, name="Again"),
        ]
        path = write_csv(tmp_path / "some.csv", [row(1), *bad, row(11)])

        outcome = bring(path)

        assert (outcome.created, outcome.refused) == (2, 10)
        assert sorted(Variant.objects.values_list("sku", flat=True)) == ["S-1", "S-11"]
        assert [line for line, _, _ in reported(path)] == [str(number) for number in range(3, 13)]
        assert ("12", "refused", "sku: stands in line 2 before") in reported(path)

    def test_refuses_rows_of_another_width_and_what_is_not_utf_8(self, tmp_path: Path) -> None:
        path = tmp_path / "some.csv"
        path.write_bytes(b"sku,name,price\nS-1,One,1\nS-2,Two\nS-3,Three,3,3\nS-4,F\xffur,4\nS-5,Five,5\n")

        outcome = bring(path)

        assert (outcome.created, outcome.refused) == (2, 3)
        assert [reason for _, _, reason in reported(path)] == [
            "has 2 fields, but the header 3",
            "has 4 fields, but the header 3",
            "name: is not UTF-8",
        ]

    def test_a_second_run_changes_nothing(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "some.csv", [row(n) for n in range(5)])
        bring(path)
        before = state()

        outcome = bring(path)

        assert outcome.was_finished
        assert state() == before

    def test_going_through_it_again_changes_nothing_either(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "some.csv", [row(n) for n in range(5)])
        bring(path)
        before = state()

        outcome = bring(path, again=True)

        assert (outcome.created, outcome.changed, outcome.unchanged) == (0, 0, 5)
        assert state() == before

    def test_another_file_changes_only_what_differs(self, tmp_path: Path) -> None:
        bring(write_csv(tmp_path / "some.csv", [row(1), row(2)]))
        before = dict(ProductDocument.objects.values_list("slug", "version"))

        outcome = bring(write_csv(tmp_path / "other.csv", [row(1), row(2, price="9.99", stock=8)]))

        after = dict(ProductDocument.objects.values_list("slug", "version"))
        assert (outcome.changed, outcome.unchanged) == (1, 1)
        assert after["thing-1"] == before["thing-1"]
        assert after["thing-2"] != before["thing-2"]

    def test_leaves_the_stock_of_what_is_sold_already(self, tmp_path: Path) -> None:
        bring(write_csv(tmp_path / "some.csv", [row(1)]))

        bring(write_csv(tmp_path / "other.csv", [row(1, stock=99), row(2, stock=1)]))

        assert dict(Stock.objects.values_list("variant__sku", "on_hand")) == {"S-1": 3, "S-2": 1}

    @pytest.mark.parametrize("columns", [("sku", "name"), (*COLUMNS, "pirce"), (*COLUMNS, "name")])
    def test_stops_at_once_at_a_wrong_header(self, tmp_path: Path, columns: tuple[str, ...]) -> None:
        path = tmp_path / "some.csv"
        path.write_text(",".join(columns) + "\n" + "x," * (len(columns) - 1) + "1\n")

        with pytest.raises(HeaderWrong):
            bring(path, mapping="shop")

        assert not Product.objects.exists()
        assert not ImportRun.objects.exists()
        assert not path.with_suffix(".report").exists()

    def test_reads_sheets(self, tmp_path: Path) -> None:
        book = openpyxl.Workbook()
        for line in (
            ["sku", "name", "price", "stock"],
            ["S-1", "One", 12.5, 4],
            ["S-2", None, 1, 1],
            [],
            ["S-3", 3, 2],
        ):
            book.active.append(line)
        path = tmp_path / "some.xlsx"
        book.save(path)

        outcome = bring(path)

        assert (outcome.created, outcome.refused) == (2, 1)
        assert reported(path) == [("3", "refused", "name: is missing")]
        assert Price.objects.get(variant__sku="S-1").amount_minor == 1250

    @pytest.mark.parametrize("name", ["some.csv", "some.csv.gz", "some.xlsx", "some.json", "some.txt"])
    def test_says_what_it_cannot_read(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        path.write_bytes(b"\x00nonsense")

        with pytest.raises(CommandError):
            call_command("import_catalogue", str(path))

        assert not Product.objects.exists()

    def test_goes_on_after_the_last_batch_when_it_was_killed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(batches, "BATCH", 10)
        path = write_csv(tmp_path / "some.csv", [row(n, price="x" if n == 4 else "1") for n in range(50)])
        with pytest.raises(KeyboardInterrupt):
            import_file(wish=ImportWish(path=path, report=path.with_suffix(".report")), at=NOON, progress=_Stop(at=37))
        assert Variant.objects.count() == 30

        outcome = bring(path)

        assert (outcome.created, outcome.refused, outcome.resumed_after) == (19, 1, 32)
        assert Variant.objects.count() == 49
        assert [line for line, _, _ in reported(path)] == ["6"]

    def test_leaves_the_process_as_it_found_it(self, tmp_path: Path) -> None:
        before = gc.get_threshold(), sys.getswitchinterval(), gc.get_freeze_count()

        bring(write_csv(tmp_path / "some.csv", [row(1)]))

        assert (gc.get_threshold(), sys.getswitchinterval(), gc.get_freeze_count()) == before

    def test_goes_on_after_kill_9(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "some.csv", [row(n) for n in range(12_000)])
        command = [sys.executable, "src/manage.py", "import_catalogue", str(path), "--report", str(tmp_path / "r")]
        name = connection.settings_dict["NAME"]
        run = subprocess.Popen(
            [sys.executable, "-c", _IN_DATABASE, name, *command[2:]], cwd=Path(__file__).parents[2] / "src"
        )
        while Variant.objects.count() == 0:
            assert run.poll() is None
        run.send_signal(signal.SIGKILL)
        run.wait()
        there = Variant.objects.count()
        assert 0 < there < 12_000
        assert there % 1000 == 0

        outcome = import_file(wish=ImportWish(path=path, report=tmp_path / "r"), at=NOON)

        assert outcome.created == 12_000 - there
        assert Variant.objects.count() == ProductDocument.objects.count() == Stock.objects.count() == 12_000


_IN_DATABASE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
sys.path.insert(0, ".")
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
import django
django.setup()
from django.core.management import call_command
call_command(*sys.argv[2:])
"""


class _Stop:
    """Interrupts an import at a row."""

    def __init__(self, *, at: int) -> None:
        self._left = at

    def __call__(self, rows: int) -> None:
        self._left -= rows
        if self._left < 0:
            raise KeyboardInterrupt


def node(name: str, *above: str, children: tuple[str, ...] = ()) -> dict[str, object]:
    return {
        "id": name,
        "name": name.title(),
        "path": [{"id": each, "name": each.title()} for each in (*above, name)],
        "subCategories": [{"id": child, "name": child.title()} for child in children],
    }


def write_graph(path: Path, nodes: list[dict[str, object]]) -> Path:
    path.write_bytes(gzip.compress(orjson.dumps(nodes)))
    return path


class TestImportCategories:
    def test_makes_a_tree_and_reports_second_parents(self, tmp_path: Path) -> None:
        nodes = [node("toys", "kids"), node("kids", children=("toys",)), node("gifts", children=("toys", "lost"))]
        path = write_graph(tmp_path / "graph.json.gz", nodes)

        outcome = bring(path)

        assert (outcome.mapping, outcome.created, outcome.refused) == ("category-graph", 3, 0)
        assert Category.objects.get(external_id="toys").path == "kids/toys"
        assert [reason for _, _, reason in reported(path)] == [
            "also named below gifts; its own path puts it below kids",
            "named below gifts, but has no row: not made",
        ]

    def test_makes_nodes_of_which_only_a_path_tells(self, tmp_path: Path) -> None:
        bring(write_graph(tmp_path / "graph.json.gz", [node("c", "a", "b")]))

        assert list(Category.objects.order_by("path").values_list("path", flat=True)) == ["a", "a/b", "a/b/c"]

    def test_refuses_orphans_circles_and_nameless_nodes(self, tmp_path: Path) -> None:
        orphan = node("orphan") | {"path": []}
        nameless = node("nameless") | {"name": None}
        nodes = [node("b", "a"), orphan, node("a", "b", "a", "x"), node("a", "b"), nameless]
        path = write_graph(tmp_path / "graph.json.gz", nodes)

        outcome = bring(path)

        assert outcome.refused == 4
        assert sorted(Category.objects.values_list("path", flat=True)) == ["a", "a/b"]

    def test_a_second_file_moves_and_renames(self, tmp_path: Path) -> None:
        bring(write_graph(tmp_path / "graph.json.gz", [node("a"), node("b"), node("c", "a"), node("d", "a", "c")]))

        outcome = bring(write_graph(tmp_path / "next.json.gz", [node("a"), node("b"), node("c", "b")]))

        assert (outcome.changed, outcome.unchanged) == (1, 2)
        assert Category.objects.get(external_id="d").path == "b/c/d"

    @pytest.mark.real_data
    def test_takes_the_real_graph(self, tmp_path: Path) -> None:
        wish = ImportWish(path=SHARED / "categories.json.gz", report=tmp_path / "report")

        outcome = import_file(wish=wish, at=NOON)

        again = import_file(wish=ImportWish(path=wish.path, report=wish.report, again=True), at=NOON)
        assert (outcome.created, outcome.refused) == (4583 + 139, 1)
        assert (again.created, again.changed, again.unchanged) == (0, 0, outcome.created)
        parents = Category.objects.exclude(parent=None).values_list("path", "slug", "parent__path")
        assert all(path == f"{above}/{slug}" for path, slug, above in parents)


@pytest.mark.real_data
class TestImportRealProducts:
    def test_takes_all_of_dummyjson(self, tmp_path: Path) -> None:
        wish = ImportWish(path=SHARED / "dummyjson-products.json.gz", report=tmp_path / "report")

        outcome = import_file(wish=wish, at=NOON)

        document = orjson.loads(ProductDocument.objects.get(slug="essence-mascara-lash-princess").document)
        assert (outcome.created, outcome.refused) == (194, 0)
        assert document["price"]["amount"] == "9.99"
        assert document["compare_at_price"]["amount"] == "11.16"
        assert document["brand"] == "Essence"
        assert document["attributes"]["Width"] == 15.14
        assert document["category"]["slug"] == "beauty"
        assert ProductImage.objects.filter(source_url__startswith="https://cdn.dummyjson.com/").count() > 194
        assert not ProductImage.objects.exclude(file="").exists()

    def test_takes_the_skus_of_the_invoices_without_fees(self, tmp_path: Path) -> None:
        wish = ImportWish(path=INVOICES, report=tmp_path / "report")

        outcome = import_file(wish=wish, at=NOON)

        assert (outcome.created, outcome.refused) == (3664, 0)
        assert not Variant.objects.filter(sku__in=["POST", "DOT", "M", "PADS", "GIFT_0001_10"]).exists()
        assert Variant.objects.get(sku="85123A").product.name == "WHITE HANGING HEART T-LIGHT HOLDER"
        assert Price.objects.get(variant__sku="85123A").amount_minor == 295
        assert Product.objects.count() - ProductDocument.objects.count() == 129


def test_mappings_name_their_columns() -> None:
    assert set(importing.known_mappings()) == {"shop", "dummyjson", "category-graph", "online-retail"}
