from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import make_user
from orders.models import Order
from orders.tests.factories import make_order
from orders.tests.gateway import agree, deliver, pay, webhook_bodies
from payments.models import ProviderEvent, Refund

SAID = {"_confirmed": "yes", "reason": "Scratched.", "to": "payment"}


def browser_of(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend="accounts.authentication.EmailBackend")
    return browser


def refund_url(order: Order) -> str:
    return f"/admin/orders/order/{order.pk}/refund/"


@pytest.mark.django_db
class TestOrderAdmin:
    def test_gives_a_part_back_with_a_reason(self) -> None:
        order, boss = make_order(), make_user(is_superuser=True)
        pay(order)

        page = browser_of(boss).post(refund_url(order), SAID | {"amount": "2.50"}, follow=True)

        refund = Refund.objects.get()
        assert "2.50 GBP: succeeded." in page.content.decode()
        assert (refund.amount_minor, refund.reason, refund.actor_id) == (250, "Scratched.", boss.pk)
        agree()

    def test_shows_in_the_form_why_it_refuses(self) -> None:
        order, boss = make_order(), make_user(is_superuser=True)
        pay(order)

        page = browser_of(boss).post(refund_url(order), SAID | {"amount": "9999"})

        assert "more than there is to give back" in page.content.decode()
        assert not Refund.objects.exists()

    def test_is_for_who_may_refund(self) -> None:
        order = make_order()
        pay(order)
        clerk = make_user(permissions=["orders.view_order", "orders.move_order"])

        answer = browser_of(clerk).post(refund_url(order), SAID)

        assert answer.status_code == 403
        assert not Refund.objects.exists()


@pytest.mark.django_db
class TestPaymentAdmin:
    def test_shows_payments_attempts_refunds_and_webhooks(self) -> None:
        order, browser = make_order(), browser_of(make_user(is_superuser=True))
        payment = pay(order)
        browser.post(refund_url(order), SAID)
        deliver(webhook_bodies()[0])

        for url in (
            "/admin/payments/payment/",
            f"/admin/payments/payment/{payment.pk}/change/",
            "/admin/payments/payment/?q=ch_",
            "/admin/payments/providerevent/",
            f"/admin/payments/providerevent/{ProviderEvent.objects.get().pk}/change/",
        ):
            assert browser.get(url).status_code == 200, url

        page = browser.get(f"/admin/payments/payment/{payment.pk}/change/").content.decode()
        assert "Scratched." in page
