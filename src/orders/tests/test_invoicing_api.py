from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import orjson
import pytest
import typst
from rest_framework.test import APIClient

from accounts.tests.factories import client_of, make_user
from carts.tests.factories import make_cart
from inventory.tests.factories import NOON, make_stock
from orders import services
from orders.models import Invoice, Order
from orders.selectors import rendering
from orders.tests.factories import ADDRESS, make_guest_order, place
from orders.tests.sellers import COMPANY, make_paid_order, make_seller, pay


def staff(*permissions: str) -> APIClient:
    return client_of(make_user(permissions=permissions))


def invoiced(order: Order) -> Invoice:
    return services.issue_invoice(order_id=order.pk, at=NOON)


def addresses(invoice: Invoice) -> list[str]:
    one = f"/api/v1/invoices/{invoice.pk}"
    return [one, f"{one}.pdf", f"{one}.xml", f"/api/v1/orders/{invoice.order_id}/invoices"]


@pytest.fixture
def invoice() -> Invoice:
    make_seller()
    return invoiced(make_paid_order((make_stock(price_minor=1000), 2)))


@pytest.mark.django_db
class TestInvoices:
    def test_are_shown_to_the_customer_and_to_staff(self, invoice: Invoice) -> None:
        for client in (client_of(invoice.order.customer), staff("orders.view_order")):
            answers = [client.get(address) for address in addresses(invoice)]

            assert [answer.status_code for answer in answers] == [200] * 4
            assert answers[0].json()["number"] == "INV-000001"
            assert answers[0].json()["total"] == {"amount": "20.00", "currency": "GBP"}
            assert answers[3].json()["results"] == [answers[0].json()]

    def test_are_shown_to_a_guest_with_the_orders_token(self) -> None:
        make_seller()
        order = make_guest_order()
        invoice = invoiced(pay(order))

        answers = [APIClient().get(address, HTTP_X_ORDER_TOKEN=order.guest_token) for address in addresses(invoice)]

        assert [answer.status_code for answer in answers] == [200] * 4

    def test_are_hidden_from_nobody_strangers_and_guests_with_another_token(self, invoice: Invoice) -> None:
        make_seller()
        guests = invoiced(pay(make_guest_order()))
        other = make_guest_order(email="other@example.com")

        for client in (APIClient(), client_of(make_user()), staff("products.view_product")):
            assert {client.get(address).status_code for address in addresses(invoice)} == {404}
        for address in addresses(guests):
            assert APIClient().get(address).status_code == 404
            assert APIClient().get(address, HTTP_X_ORDER_TOKEN=other.guest_token).status_code == 404
            assert client_of(invoice.order.customer).get(address).status_code == 404

    def test_answer_404_where_there_is_none(self) -> None:
        answer = staff("orders.view_order").get(f"/api/v1/invoices/{uuid4()}")

        assert (answer.status_code, answer.json()["code"]) == (404, "orders.invoice_not_found")

    def test_come_as_pdf_and_xml(self, invoice: Invoice) -> None:
        client = client_of(invoice.order.customer)

        pdf, xml = (client.get(f"/api/v1/invoices/{invoice.pk}.{kind}") for kind in ("pdf", "xml"))

        assert (pdf["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
        assert pdf["Content-Disposition"] == 'attachment; filename="INV-000001.pdf"'
        assert xml["Content-Type"] == "application/xml"
        assert ET.fromstring(xml.content).tag.endswith("}Invoice")

    def test_of_credit_notes_name_what_they_credit(self, invoice: Invoice) -> None:
        note = services.issue_credit_note(order_id=invoice.order_id, credit=services.Credit(reason="Back."), at=NOON)
        client = client_of(invoice.order.customer)

        answers = [client.get(address) for address in addresses(note)]

        assert [answer.status_code for answer in answers] == [200] * 4
        assert (answers[0].json()["kind"], answers[0].json()["credits"]) == ("credit_note", str(invoice.pk))
        assert ET.fromstring(answers[2].content).tag.endswith("}CreditNote")
        assert [row["kind"] for row in answers[3].json()["results"]] == ["invoice", "credit_note"]


@pytest.mark.django_db
class TestIssuing:
    def test_by_staff_gives_the_invoice_that_was_missing(self) -> None:
        order = make_paid_order()
        client = staff("orders.view_order", "orders.add_invoice")
        address = f"/api/v1/orders/{order.pk}/invoices"

        before = client.get(address).json()
        refused = client.post(address)
        make_seller()
        issued = client.post(address)

        assert before == {"results": [], "missing": "no_seller"}
        assert (refused.status_code, refused.json()["reason"]) == (409, "no_seller")
        assert (issued.status_code, issued.json()["number"]) == (201, "INV-000001")
        assert client.get(address).json()["missing"] is None

    def test_is_refused_to_others(self, invoice: Invoice) -> None:
        address = f"/api/v1/orders/{invoice.order_id}/invoices"

        assert APIClient().post(address).status_code == 401
        assert client_of(invoice.order.customer).post(address).status_code == 403
        assert staff("orders.view_order").post(address).status_code == 403
        assert Invoice.objects.count() == 1


@pytest.mark.django_db
class TestPackingSlip:
    def test_is_for_staff_alone(self, invoice: Invoice) -> None:
        address = f"/api/v1/orders/{invoice.order_id}/packing-slip.pdf"

        assert staff("orders.view_order").get(address).content.startswith(b"%PDF-")
        assert APIClient().get(address).status_code == 401
        assert client_of(invoice.order.customer).get(address).status_code == 403

    def test_sets_what_people_wrote_as_text_and_never_runs_it(self) -> None:
        hostile = '#panic("it ran") #read("/etc/passwd") $x$ `raw` \\ *bold*'
        address = replace(ADDRESS, name=hostile, line1=f"= {hostile}")
        order = place(make_cart((make_stock(), 1)), shipping_address=address, note=hostile)
        shown = orjson.dumps(rendering.packing_page(order_id=order.pk)).decode()

        printed = rendering.packing_slip(order_id=order.pk)
        found = {
            kind: typst.query(rendering._template(), kind, sys_inputs={"paper": shown})
            for kind in ("heading", "math.equation", "raw")
        }

        assert shown.count("it ran") == 3
        assert printed.startswith(b"%PDF-")
        assert found == dict.fromkeys(found, "[]")

    def test_answers_404_where_there_is_no_order(self) -> None:
        assert staff("orders.view_order").get(f"/api/v1/orders/{uuid4()}/packing-slip.pdf").status_code == 404


@pytest.mark.django_db
class TestSellers:
    def test_are_put_and_listed_by_staff(self) -> None:
        client = staff("orders.view_seller", "orders.add_seller", "orders.change_seller")

        put = client.put("/api/v1/sellers/default", COMPANY, format="json")

        assert put.status_code == 200
        assert put.json()["market"] is None
        assert client.get("/api/v1/sellers").json() == {"results": [put.json()]}

    @pytest.mark.parametrize(
        ("change", "status"), [({"vat_id": "980"}, 422), ({"country": "gb"}, 400), ({"colour": "red"}, 400)]
    )
    def test_are_refused_where_they_cannot_stand_on_an_invoice(self, change: dict[str, Any], status: int) -> None:
        client = staff("orders.view_seller", "orders.add_seller", "orders.change_seller")

        answer = client.put("/api/v1/sellers/default", COMPANY | change, format="json")

        assert answer.status_code == status
        assert client.get("/api/v1/sellers").json() == {"results": []}

    def test_answer_404_for_a_market_that_is_not_there(self) -> None:
        client = staff("orders.add_seller", "orders.change_seller")

        assert client.put("/api/v1/sellers/nowhere", COMPANY, format="json").status_code == 404

    def test_are_hidden_from_others(self) -> None:
        for client, status in ((APIClient(), 401), (client_of(make_user()), 403), (staff("orders.view_order"), 403)):
            assert client.get("/api/v1/sellers").status_code == status
            assert client.put("/api/v1/sellers/default", COMPANY, format="json").status_code == status
