from __future__ import annotations

import pytest
from django.test import Client

from accounts.domain import Role
from accounts.tests.factories import make_user
from inventory.tests.factories import NOON
from orders import services
from orders.models import Invoice, Seller
from orders.tests.sellers import COMPANY, make_paid_order, make_seller

LIST = "/admin/orders/invoice/"
SELLERS = "/admin/orders/seller/"


def browser_of(role: Role) -> Client:
    browser = Client()
    browser.force_login(make_user(roles=[role]), backend="accounts.authentication.EmailBackend")
    return browser


@pytest.fixture
def browser(db: None) -> Client:
    return browser_of(Role.ORDER_MANAGER)


@pytest.fixture
def invoice(db: None) -> Invoice:
    make_seller()
    return services.issue_invoice(order_id=make_paid_order().pk, at=NOON)


class TestInvoices:
    def test_are_listed_and_shown(self, browser: Client, invoice: Invoice) -> None:
        pages = [browser.get(LIST), browser.get(f"{LIST}{invoice.pk}/change/")]

        assert all(invoice.number in page.content.decode() for page in pages)
        assert {each["title"] for each in pages[1].context["actions_detail"]} == {"PDF", "XML"}

    def test_are_fetched_as_files(self, browser: Client, invoice: Invoice) -> None:
        pdf, xml = (browser.get(f"{LIST}{invoice.pk}/{kind}/") for kind in ("pdf", "xml"))

        assert pdf.content.startswith(b"%PDF-")
        assert invoice.number in xml.content.decode()

    def test_are_not_for_who_manages_the_catalogue(self, invoice: Invoice) -> None:
        browser = browser_of(Role.CATALOGUE_MANAGER)

        for address in (LIST, f"{LIST}{invoice.pk}/pdf/", f"{LIST}{invoice.pk}/xml/", SELLERS):
            assert browser.get(address).status_code == 403

    def test_cannot_be_written_or_removed(self, browser: Client, invoice: Invoice) -> None:
        for act in ("add/", f"{invoice.pk}/delete/"):
            assert browser.post(f"{LIST}{act}").status_code == 403

        assert Invoice.objects.get().number == invoice.number


class TestSellers:
    FORM = COMPANY | {"line2": "", "region": "", "invoice_series": "INV-", "credit_series": "CN-"}

    def test_are_made_and_changed(self, browser: Client) -> None:
        made = browser.post(f"{SELLERS}add/", self.FORM)
        seller = Seller.objects.get()
        changed = browser.post(f"{SELLERS}{seller.pk}/change/", self.FORM | {"name": "Other Ltd"})

        seller.refresh_from_db()
        assert (made.status_code, changed.status_code) == (302, 302)
        assert seller.name == "Other Ltd"

    def test_that_cannot_stand_on_an_invoice_are_refused_in_words(self, browser: Client) -> None:
        answer = browser.post(f"{SELLERS}add/", self.FORM | {"vat_id": "980"})

        assert "A VAT id begins with its country" in answer.content.decode()
        assert not Seller.objects.exists()
