from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from orders.errors import InvoicesUnreadable
from orders.services.replaying.planning import MAX_QUANTITY, Plan, plan_invoice
from orders.services.replaying.reading import Invoice, InvoiceLine, read_invoices
from orders.services.replaying.writing import country_code

NOON = datetime(2011, 3, 1, 12, tzinfo=UTC)
KNOWN = {"MUG", "JUG", "FREE"}


def line(sku: str, quantity: int, price: str = "1.50") -> InvoiceLine:
    return InvoiceLine(sku=sku, quantity=quantity, unit_price=Decimal(price))


def plan(*lines: InvoiceLine, number: str = "536365", customer: str = "17850") -> Plan:
    invoice = Invoice(number=number, at=NOON, customer=customer, country="United Kingdom", lines=list(lines))
    return plan_invoice(invoice, is_known=KNOWN.__contains__, is_sold=(KNOWN - {"FREE"}).__contains__)


def total(made: Plan) -> int:
    sold = sum(units * part.prices_minor[sku] for part in made.parts for sku, units in part.units.items())
    return sold - made.returned_minor + made.adjusted_minor


class TestPlanInvoice:
    def test_adds_up_a_sku_that_stands_there_twice_at_one_price(self) -> None:
        made = plan(line("MUG", 2), line("JUG", 1), line("MUG", 3))

        assert [part.units for part in made.parts] == [{"MUG": 5, "JUG": 1}]

    def test_goes_on_in_a_second_order_at_another_price(self) -> None:
        made = plan(line("MUG", 2), line("MUG", 3, "1.25"), line("MUG", 1))

        assert [part.units for part in made.parts] == [{"MUG": 3}, {"MUG": 3}]
        assert [part.prices_minor for part in made.parts] == [{"MUG": 150}, {"MUG": 125}]

    def test_goes_on_in_a_second_order_beyond_what_a_cart_holds(self) -> None:
        made = plan(line("MUG", 2 * MAX_QUANTITY + 1))

        assert [part.units["MUG"] for part in made.parts] == [MAX_QUANTITY, MAX_QUANTITY, 1]

    def test_books_what_is_no_product_with_its_sign(self) -> None:
        made = plan(line("MUG", 1), line("POST", 1, "18.00"), line("D", -1, "3.005"))

        assert made.adjusted_minor == 1800 - 301
        assert len(made.parts) == 1

    def test_takes_cancellations_and_negative_quantities_as_returns(self) -> None:
        made = plan(line("MUG", -2), line("JUG", -1, "0"), number="C536379")

        assert not made.parts
        assert made.returned == {"MUG": 2, "JUG": 1}
        assert made.returned_minor == 300

    def test_takes_gifts_as_lines_at_nothing(self) -> None:
        made = plan(line("MUG", 1), line("JUG", 1, "0"), customer="")

        assert made.parts[0].prices_minor == {"MUG": 150, "JUG": 0}

    def test_takes_zeros_for_nobody_as_corrections_of_stock(self) -> None:
        made = plan(line("MUG", -7, "0"), customer="")

        assert not made.parts
        assert made.stock_changes() == [("MUG", -7)]

    def test_hands_out_what_is_not_sold_here_without_an_order(self) -> None:
        made = plan(line("FREE", 2, "0"))

        assert not made.parts
        assert made.corrected == {"FREE": -2}

    def test_books_a_bad_debt(self) -> None:
        assert plan(line("B", 1, "-11062.06"), customer="").adjusted_minor == -1106206

    def test_loses_no_penny(self) -> None:
        lines = [line("MUG", 3), line("POST", 2, "2.10"), line("JUG", -1), line("MUG", 5, "0.001"), line("M", 1, "-9")]

        assert total(plan(*lines)) == 450 + 420 - 150 + 1 - 900


class TestReadInvoices:
    HEADER = "invoice,sku,description,quantity,invoiced_at,unit_price,customer,country\n"

    def test_brings_lines_of_one_invoice_together_that_stand_apart(self, tmp_path: Path) -> None:
        path = tmp_path / "invoices.csv"
        path.write_text(
            self.HEADER
            + "1,a,A,1,2011-02-01T11:19:00Z,1,,EIRE\n"
            + "2,b,B,1,2011-02-01T11:19:00Z,1,,EIRE\n"
            + "1,c,C,1,2011-02-01T11:20:00Z,1,,EIRE\n"
            + "3,d,D,1,2011-02-02T11:20:00Z,1,,EIRE\n"
        )

        found = {invoice.number: [each.sku for each in invoice.lines] for invoice in read_invoices(path)}

        assert found == {"1": ["A", "C"], "2": ["B"], "3": ["D"]}

    @pytest.mark.parametrize("text", ["a,b\n1,2\n", HEADER + "1,a,A,x,2011-02-01T11:19:00Z,1,,EIRE\n", "\x00\xff"])
    def test_refuses_what_is_no_file_of_invoices(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "invoices.csv"
        path.write_text(text)

        with pytest.raises(InvoicesUnreadable):
            list(read_invoices(path))


@pytest.mark.parametrize(
    ("name", "code"), [("EIRE", "IE"), ("France", "FR"), ("Channel Islands", "JE"), ("Unspecified", "GB"), ("?", "GB")]
)
def test_knows_the_countries_of_the_file(name: str, code: str) -> None:
    assert country_code(name) == code
