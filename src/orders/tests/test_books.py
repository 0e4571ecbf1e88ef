from __future__ import annotations

from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import IntegrityError, InternalError, connection, transaction

from inventory.tests.factories import NOON, make_stock
from orders import services
from orders.models import OrderMove
from orders.tests.books import books_agree
from orders.tests.factories import make_order
from payments import selectors as ledger


@pytest.mark.django_db
class TestRecordReturn:
    def test_takes_goods_back_once(self) -> None:
        stock = make_stock(on_hand=1)
        back: dict[str, Any] = {
            "reference": "C1",
            "units": {stock.variant_id: 2},
            "amount_minor": 2000,
            "currency": "GBP",
            "at": NOON,
        }

        services.record_return(**back)
        with pytest.raises(IntegrityError):
            services.record_return(**back)

        stock.refresh_from_db()
        assert stock.on_hand == 3
        assert ledger.balance(account="refunds_due", currency="GBP") == -2000


@pytest.mark.django_db
class TestVerifyBooks:
    @pytest.mark.parametrize(
        "forge",
        [
            "UPDATE orders_orderline SET quantity = 5, subtotal_minor = 5 * unit_price_minor",
            "UPDATE orders_order SET status = 'paid'",
            "UPDATE inventory_stock SET reserved = 0",
            "UPDATE inventory_stock SET on_hand = on_hand + 1",
            "DELETE FROM inventory_reservation",
            "UPDATE products_variant SET is_available = NOT is_available",
            "UPDATE core_outboxevent SET aggregate = ''",
        ],
    )
    def test_finds_a_forged_row(self, forge: str) -> None:
        make_order()
        with connection.cursor() as cursor:
            cursor.execute(forge)

        with pytest.raises(CommandError):
            books_agree()

    def test_history_cannot_be_changed(self) -> None:
        make_order()

        with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
            OrderMove.objects.update(reason="x")
