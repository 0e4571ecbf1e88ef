from __future__ import annotations

import random
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from accounts.tests.factories import make_user
from core import outbox
from core.models import Delivery
from inventory.tests.factories import make_stock
from orders import handlers, selectors, services
from orders.domain import (
    PaperKind,
)
from orders.errors import CreditTooLarge, InvoiceRefused
from orders.models import Invoice
from orders.tests.factories import make_order
from orders.tests.sellers import DAY, credit, issue, make_paid_order, make_seller
from pricing.tests.rules import make_method, make_rate


@pytest.mark.django_db
class TestIssueCreditNote:
    def test_takes_all_of_the_invoice_back(self) -> None:
        make_seller()
        make_rate("GB")
        order = make_paid_order((make_stock(price_minor=1200), 2))
        invoice = issue(order)

        note = credit(order, reason="Returned.")

        paper, of = selectors.paper_of(invoice=note), selectors.paper_of(invoice=invoice)
        assert (note.number, note.kind, note.of_id, note.total_minor) == ("CN-000001", "credit_note", invoice.pk, 2400)
        assert (paper.of_number, paper.of_date) == (invoice.number, of.issued_on)
        assert (paper.lines, paper.amounts.gross) == (of.lines, of.amounts.gross)
        assert paper.kind is PaperKind.CREDIT_NOTE
        assert paper.note == "Returned."

    def test_takes_an_amount_of_all_rows_alike(self) -> None:
        make_seller()
        make_rate("GB")
        order = make_paid_order((make_stock(price_minor=1000), 1), (make_stock(price_minor=3000), 1))
        issue(order)

        note = credit(order, amount_minor=400)

        assert note.parts == [100, 300]
        assert selectors.paper_of(invoice=note).amounts.due == note.total_minor == 400

    def test_takes_an_amount_for_units_of_their_rows_then_of_the_delivery_then_of_all(self) -> None:
        make_seller()
        make_method(amount_minor=400)
        order = make_paid_order((make_stock(price_minor=1000), 2), (make_stock(price_minor=3000), 1))
        issue(order)

        notes = [credit(order, amount_minor=amount, units={1: 1}) for amount in (700, 500, 1300)]

        assert [note.parts for note in notes] == [[700, 0, 0], [500, 0, 0], [800, 100, 400]]

    def test_takes_units_of_a_line(self) -> None:
        make_seller()
        order = make_paid_order((make_stock(price_minor=1000), 3))
        issue(order)

        note = credit(order, units={1: 2})

        assert note.total_minor == 2000

    @pytest.mark.parametrize(
        "given", [{"amount_minor": 2001}, {"amount_minor": 0}, {"units": {1: 3}}, {"units": {9: 1}}]
    )
    def test_refuses_more_than_the_invoice_or_nothing(self, given: dict[str, Any]) -> None:
        make_seller()
        order = make_paid_order((make_stock(price_minor=1000), 2))
        issue(order)

        with pytest.raises(CreditTooLarge):
            credit(order, **given)

        assert not Invoice.objects.filter(kind="credit_note").exists()

    def test_refuses_more_than_what_earlier_ones_left(self) -> None:
        make_seller()
        order = make_paid_order((make_stock(price_minor=1000), 1))
        issue(order)
        credit(order, amount_minor=600)

        with pytest.raises(CreditTooLarge) as refusal:
            credit(order, amount_minor=500)

        assert refusal.value.facts["left"] == {"amount": "4.00", "currency": "GBP"}
        assert credit(order).total_minor == 400

    def test_leaves_alone_the_rows_that_went_back_before(self) -> None:
        make_seller()
        order = make_paid_order((make_stock(price_minor=1000), 1), (make_stock(price_minor=300), 1))
        issue(order)
        credit(order, units={1: 1})

        assert credit(order, amount_minor=100).parts == [0, 100]
        assert credit(order).parts == [0, 200]

    def test_refuses_an_order_without_an_invoice(self) -> None:
        make_seller()

        with pytest.raises(InvoiceRefused):
            credit(make_paid_order())

    def test_gives_the_same_note_for_the_same_reference(self) -> None:
        make_seller()
        order = make_paid_order((make_stock(price_minor=1000), 1))
        issue(order)

        assert credit(order, amount_minor=100, reference="r").pk == credit(order, amount_minor=100, reference="r").pk

    def test_never_takes_back_more_than_the_invoice_however_it_is_parted(self) -> None:
        make_seller()
        make_rate("GB", 70_000)
        order = make_paid_order((make_stock(price_minor=333), 3), (make_stock(on_hand=9, price_minor=101), 7))
        issue(order)
        dice = random.Random(4)

        left = order.total_minor
        while left:
            left -= credit(order, amount_minor=dice.randint(1, min(left, 300))).total_minor

        notes = Invoice.objects.filter(kind="credit_note")
        assert sum(note.total_minor for note in notes) == order.total_minor
        gross = [row.gross for row in selectors.paper_of(invoice=Invoice.objects.get(kind="invoice")).lines]
        assert [sum(parts) for parts in zip(*(note.parts for note in notes), strict=True)] == gross


@pytest.mark.django_db
class TestCreditRefund:
    def test_credits_what_was_refunded_once(self) -> None:
        make_seller()
        order = make_paid_order((make_stock(price_minor=1000), 1))
        refund = str(uuid4())

        for _ in range(2):
            with transaction.atomic():
                handlers.credit_refund(order_id=str(order.pk), refund_id=refund, amount_minor=250, currency="GBP")

        assert [(row.kind, row.total_minor) for row in Invoice.objects.order_by("pk")] == [
            ("invoice", 1000),
            ("credit_note", 250),
        ]

    def test_credits_no_more_than_is_left(self) -> None:
        make_seller()
        order = make_paid_order((make_stock(price_minor=1000), 1))

        for amount in (900, 900, 900):
            with transaction.atomic():
                handlers.credit_refund(order_id=str(order.pk), refund_id=str(uuid4()), amount_minor=amount)

        notes = Invoice.objects.filter(kind="credit_note").order_by("pk")
        assert [note.total_minor for note in notes] == [900, 100]

    def test_does_nothing_for_an_order_that_was_never_paid(self) -> None:
        make_seller()
        order = make_order()

        with transaction.atomic():
            handlers.credit_refund(order_id=str(order.pk), refund_id=str(uuid4()), amount_minor=100)

        assert not Invoice.objects.exists()


@pytest.mark.django_db
class TestSubscriptions:
    def test_invoice_what_is_paid_and_credit_what_is_refunded(self) -> None:
        make_seller()
        clerk = make_user(is_staff=True, is_superuser=True)
        order = make_paid_order((make_stock(price_minor=1000), 1))
        wish = services.RefundOrder(amount=Decimal("2.50"), reason="Scratched.")

        services.refund_order(order_id=order.pk, wish=wish, actor=clerk, at=DAY)
        for delivery in Delivery.objects.filter(handler__startswith="orders.").order_by("pk"):
            outbox.deliver(delivery_ids=[str(delivery.pk)])

        found = [(row.kind, row.total_minor) for row in Invoice.objects.order_by("issued_at", "pk")]
        assert found == [("invoice", 1000), ("credit_note", 250)]
