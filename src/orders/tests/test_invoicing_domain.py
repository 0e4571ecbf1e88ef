from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from orders.domain import (
    Charged,
    Draft,
    PaperKind,
    VatCategory,
    compose_credit,
    compose_invoice,
    invoice_number,
    vat_category,
)
from orders.tests.papers import credit_of, invoice_of, random_facts


class TestVatCategory:
    @pytest.mark.parametrize(
        ("given", "category"),
        [
            ({"ppm": 200_000}, VatCategory.STANDARD),
            ({"ppm": 0}, VatCategory.ZERO),
            ({"ppm": 0, "tax_class": "exempt"}, VatCategory.EXEMPT),
            ({"ppm": 0, "is_reversed": True}, VatCategory.INTRA_COMMUNITY),
            ({"ppm": 0, "is_reversed": True, "is_sent": False}, VatCategory.REVERSED),
            ({"ppm": 0, "leaves": True}, VatCategory.EXPORT),
            ({"ppm": 0, "is_registered": False, "leaves": True}, VatCategory.OUTSIDE),
        ],
    )
    def test_says_why_that_rate(self, given: dict[str, Any], category: VatCategory) -> None:
        usual = {"is_reversed": False, "is_registered": True, "leaves": False}

        assert vat_category(**usual | given) is category


class TestInvoiceNumber:
    def test_counts_behind_the_series(self) -> None:
        assert invoice_number("INV-", 42) == "INV-000042"


class TestComposeInvoice:
    def test_adds_up_and_meets_what_was_paid_for_random_orders(self) -> None:
        dice = random.Random(16931)

        for _ in range(2000):
            paper, _, _ = invoice_of(random_facts(dice))

            sums = paper.amounts
            assert sums.lines == sum(row.net for row in paper.lines)
            assert sums.charges == sum(row.net for row in paper.charges)
            assert sums.net == sums.lines + sums.charges == sum(tax.net for tax in paper.taxes)
            assert sums.gross == sums.net + sums.tax
            assert sums.due == sums.gross - sums.prepaid + sums.rounding == 0
            assert all(row.price - row.discount == row.net >= 0 and row.discount >= 0 for row in paper.lines)
            assert abs(sums.rounding) <= len(paper.lines) + len(paper.taxes) + 1

    def test_splits_prices_with_tax_inside_once_for_each_rate(self) -> None:
        sweets = [Charged(name="Sweet", price_minor=10, category=VatCategory.STANDARD, ppm=200_000) for _ in range(20)]
        draft = Draft(currency="EUR", charged=sweets, paid_minor=200, is_tax_included=True)
        head, _, _ = invoice_of(random_facts(random.Random(0)))

        paper = compose_invoice(draft, replace(head, currency="EUR", places=2))

        assert (paper.amounts.net, paper.amounts.tax, paper.amounts.rounding) == (167, 33, 0)
        assert {row.net for row in paper.lines} == {8, 9}

    def test_says_by_the_rounding_what_no_net_amount_can_make(self) -> None:
        gift = Charged(name="Gift", price_minor=999, category=VatCategory.STANDARD, ppm=200_000)
        draft = Draft(currency="EUR", charged=[gift], paid_minor=999, is_tax_included=True)
        head, _, _ = invoice_of(random_facts(random.Random(0)))

        sums = compose_invoice(draft, replace(head, currency="EUR", places=2)).amounts

        assert (sums.net, sums.tax, sums.gross, sums.rounding, sums.prepaid) == (832, 166, 998, 1, 999)

    def test_takes_no_tax_where_the_buyer_owes_it(self) -> None:
        dice = random.Random(2)
        reversed_ones = [
            invoice_of(facts)[0]
            for facts in (random_facts(dice) for _ in range(200))
            if facts.tax and facts.tax.is_reversed
        ]

        assert reversed_ones
        for paper in reversed_ones:
            vouchers = {VatCategory.EXEMPT} if "vouchers" in paper.note else set()
            categories = {tax.category for tax in paper.taxes}
            assert categories - vouchers <= {VatCategory.INTRA_COMMUNITY, VatCategory.REVERSED}
            assert paper.amounts.tax == 0


class TestComposeCredit:
    def test_of_everything_is_the_invoice_turned_round(self) -> None:
        invoice, _, _ = invoice_of(random_facts(random.Random(7)))
        whole = next(
            note
            for note in (credit_of(invoice, random.Random(seed)) for seed in range(50))
            if note.amounts.due == invoice.amounts.prepaid
        )

        assert (whole.lines, whole.charges, whole.taxes) == (invoice.lines, invoice.charges, invoice.taxes)
        assert (whole.amounts.gross, whole.amounts.prepaid) == (invoice.amounts.gross, 0)

    def test_of_delivery_alone_has_it_as_a_line(self) -> None:
        goods = Charged(name="Lamp", price_minor=1000, category=VatCategory.ZERO, ppm=0)
        post = replace(goods, name="Delivery", price_minor=395, is_delivery=True)
        draft = Draft(currency="EUR", charged=[goods, post], paid_minor=1395, is_tax_included=False)
        head, _, _ = invoice_of(random_facts(random.Random(0)))
        invoice = compose_invoice(draft, replace(head, currency="EUR", places=2))

        note = compose_credit(invoice, replace(invoice, kind=PaperKind.CREDIT_NOTE), [0, 395], 395)

        assert ([row.name for row in note.lines], note.charges) == (["Delivery"], ())
