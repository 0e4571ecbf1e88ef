"""The shop that a newcomer finds."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts import services as accounts
from accounts.models import User
from carts.models import Cart
from config.demo import read_catalogue
from core.models import Delivery
from inventory.models import Movement
from orders.models import Order
from pricing.models import ShippingMethod, TaxRate
from products.models import Category, Product, ProductDocument, ProductImage
from promotions.models import Coupon, Promotion

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.DATA, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
    return tmp_path


class TestLoadDemo:
    def test_fills_the_shop_once(self, folder: Path) -> None:
        call_command("load_demo")

        content = read_catalogue()
        sign_ins = json.loads((folder / "sign-ins.json").read_text())
        assert (folder / "sign-ins.json").stat().st_mode & 0o777 == 0o600
        assert sorted(sign_ins) == ["admin", "customer"]
        for sign_in in sign_ins.values():
            accounts.sign_in(**sign_in, address="127.0.0.1", at=_now())
        assert Product.objects.count() == ProductDocument.objects.count() == len(content["products"])
        assert Category.objects.count() == len(content["categories"])
        assert ProductImage.objects.exclude(file="").count() == sum(len(p["images"]) for p in content["products"])
        assert set(Order.objects.values_list("status", flat=True)) == {
            "pending", "paid", "shipped", "delivered", "cancelled",
        }  # fmt: skip
        assert ShippingMethod.objects.count() == 4
        assert TaxRate.objects.filter(country="GB").exists()
        assert Coupon.objects.get().code == "WELCOME10"
        call_command("verify_books")

        call_command("load_demo")

        tables = (User, Product, Category, ProductImage, Order, Cart, Movement, Delivery, TaxRate, Promotion)
        before = [table.objects.count() for table in tables]
        call_command("load_demo")
        assert [table.objects.count() for table in tables] == before
        assert json.loads((folder / "sign-ins.json").read_text()) == sign_ins

    def test_a_load_that_was_interrupted_ends_with_the_same_passwords(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("config.demo._load_products", _die)
            with pytest.raises(KeyboardInterrupt):
                call_command("load_demo")
        assert not (folder / "sign-ins.json").exists()

        call_command("load_demo")

        customer = json.loads((folder / "sign-ins.json").read_text())["customer"]
        assert accounts.sign_in(**customer, address="127.0.0.1", at=_now()).user.email == customer["email"]


class TestSetUp:
    def test_can_be_repeated(self) -> None:
        call_command("set_up")
        call_command("set_up")


def _now() -> datetime:
    return timezone.now()


def _die(*_: object) -> None:
    raise KeyboardInterrupt
