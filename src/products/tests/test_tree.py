"""Products on their way into a category, and those who change the tree at that moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import transaction

from core.tests.threads import in_thread, waits_for_a_lock
from products import services
from products.domain import ProductData
from products.models import Product
from products.services import ProductEdit
from products.services.tree import lock_tree, share_tree
from products.tests.factories import make_category, make_product

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def create(product_id: UUID) -> None:
    services.create_product(data=ProductData(name=product_id.hex, category="new"), at=NOON)


def update(product_id: UUID) -> None:
    services.update_product(product_id=product_id, changes={"category": "new", "stock": 3}, at=NOON)


def edit(product_id: UUID) -> None:
    services.edit_product(product_id=product_id, edit=ProductEdit(changes={"category": "new"}), at=NOON)


def restore(product_id: UUID) -> None:
    services.restore_product(product_id=product_id, at=NOON)


def rename(_: UUID) -> None:
    services.update_category(slug="new", changes={"name": "Newer"}, at=NOON)


@pytest.mark.django_db(transaction=True)
class TestShareTree:
    @pytest.mark.parametrize("write", [create, update, edit, restore])
    def test_makes_a_product_wait_before_it_is_locked(self, write: Callable[[UUID], None]) -> None:
        make_category(slug="new")
        product = make_product()
        if write is restore:
            services.delete_product(product_id=product.pk, at=NOON)

        with ThreadPoolExecutor(max_workers=1) as staff:
            with transaction.atomic():
                lock_tree()
                writing = staff.submit(in_thread, write, product.pk)
                waited = waits_for_a_lock(writing)
                held = len(Product.all_objects.filter(pk=product.pk).locked(nowait=True))
            writing.result()

        assert waited
        assert held == 1

    def test_makes_a_renaming_wait_before_it_locks_products(self) -> None:
        product = make_product(category=make_category(slug="new"))

        with ThreadPoolExecutor(max_workers=1) as staff:
            with transaction.atomic():
                share_tree()
                renaming = staff.submit(in_thread, rename, product.pk)
                waited = waits_for_a_lock(renaming)
                held = len(Product.objects.filter(pk=product.pk).locked(nowait=True))
            renaming.result()

        assert waited
        assert held == 1

    def test_lets_others_share_it(self) -> None:
        make_category(slug="new")
        product = make_product()

        with ThreadPoolExecutor(max_workers=1) as staff, transaction.atomic():
            share_tree()
            moving = staff.submit(in_thread, update, product.pk)
            waited = waits_for_a_lock(moving)

        assert not waited
