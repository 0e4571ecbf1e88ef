"""Gift cards and store credit, in the back office."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import make_user
from core.tests.threads import at_once
from payments import selectors
from payments.models import Balance
from payments.tests.test_balances_api import grant


def url_of(action: str, *args: object) -> str:
    return reverse(f"admin:payments_balance_{action}", args=args)


def open_page(url: str) -> tuple[Client, dict[str, str]]:
    """Return a browser that opened a page, and what that page sends along."""
    browser = Client()
    browser.force_login(make_user(is_superuser=True), backend="accounts.authentication.EmailBackend")
    found = re.search(r'name="(_page_key)" value="(\w+)"', browser.get(url).content.decode())
    assert found is not None
    return browser, {"_confirmed": "yes", found[1]: found[2]}


@pytest.mark.django_db
class TestOnce:
    def test_store_credit_is_granted_once_however_often_the_page_is_sent(self) -> None:
        customer = make_user()
        browser, said = open_page(url_of("grant_store_credit"))
        said |= {"customer": customer.email, "amount": "5.00", "currency": "GBP"}

        for _ in range(2):
            assert browser.post(url_of("grant_store_credit"), said).status_code == 302
        assert Balance.objects.get().left_minor == 500

        # Something else was typed into a page that was gone back to.
        browser.post(url_of("grant_store_credit"), said | {"amount": "7.00"})
        assert Balance.objects.get().left_minor == 1200
        assert selectors.find_differences() == []

    def test_what_was_refused_may_be_sent_again(self) -> None:
        browser, said = open_page(url_of("grant_store_credit"))
        said |= {"customer": make_user().email, "amount": "5.001", "currency": "GBP"}
        assert browser.post(url_of("grant_store_credit"), said).status_code == 200

        browser.post(url_of("grant_store_credit"), said | {"amount": "5.00"})

        assert Balance.objects.get().left_minor == 500

    def test_a_gift_card_is_made_once_and_its_code_is_told_again(self) -> None:
        browser, said = open_page(url_of("issue_gift_card"))
        said |= {"amount": "5.00", "currency": "GBP"}

        pages = [browser.post(url_of("issue_gift_card"), said, follow=True) for _ in range(2)]

        told = [str(message) for page in pages for message in page.context["messages"]]
        assert Balance.objects.count() == 1
        assert (len(told), len(set(told))) == (2, 1)

    def test_the_history_tells_of_it_once(self) -> None:
        card = grant(make_user())
        Balance.objects.filter(pk=card.pk).update(kind="gift_card")
        browser, said = open_page(url_of("block", card.pk))

        for _ in range(2):
            browser.post(url_of("block", card.pk), said)

        assert LogEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_at_once_one_grants() -> None:
    customer = make_user()
    browser, said = open_page(url_of("grant_store_credit"))
    said |= {"customer": customer.email, "amount": "5.00", "currency": "GBP"}

    def click(_: int) -> int:
        other = Client()
        other.cookies = browser.cookies
        return other.post(url_of("grant_store_credit"), said).status_code

    assert 302 in at_once(click, range(4))
    assert Balance.objects.get().left_minor == 500
