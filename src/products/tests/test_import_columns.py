from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from markets.tests.factories import make_market
from products.models import Product, Variant
from products.services.importing import ImportWish, Outcome, import_file

pytestmark = pytest.mark.django_db


def load(folder: Path, *rows: str) -> Outcome:
    path = folder / "goods.csv"
    path.write_text("\n".join(["sku,name,price,tax_class,needs_shipping", *rows]) + "\n")
    return import_file(wish=ImportWish(path=path, report=folder / "report.csv"), at=timezone.now())


class TestImportFile:
    def test_takes_the_tax_class_and_whether_it_is_sent(self, tmp_path: Path) -> None:
        make_market()

        load(tmp_path, "A,Song,1.00,reduced,no", "B,Lamp,2.00,,", "C,Book,3.00,zero,TRUE")

        products = dict(Product.objects.values_list("name", "tax_class"))
        assert products == {"Song": "reduced", "Lamp": "standard", "Book": "zero"}
        assert list(Variant.objects.filter(needs_shipping=False).values_list("sku", flat=True)) == ["A"]

    def test_takes_whether_it_is_a_gift_card_which_is_never_sent(self, tmp_path: Path) -> None:
        make_market()
        path = tmp_path / "cards.csv"
        path.write_text("sku,name,price,is_gift_card\nA,Card,50.00,yes\nB,Lamp,2.00,\n")

        import_file(wish=ImportWish(path=path, report=tmp_path / "report.csv"), at=timezone.now())

        told = Variant.objects.order_by("sku").values_list("sku", "is_gift_card", "needs_shipping")
        assert list(told) == [("A", True, False), ("B", False, True)]

    def test_refuses_rows_that_tell_neither(self, tmp_path: Path) -> None:
        make_market()

        outcome = load(tmp_path, "A,Song,1.00,a b,", "B,Lamp,2.00,,perhaps")

        assert outcome.refused == 2
        assert not Product.objects.exists()
        assert "needs_shipping: has to be true or false" in (tmp_path / "report.csv").read_text()
