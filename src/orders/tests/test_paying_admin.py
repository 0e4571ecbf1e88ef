from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from accounts.tests.factories import make_user
from inventory.tests.factories import make_stock
from orders.models import Order
from orders.tests.factories import make_order
from orders.tests.gateway import agree, deliver, pay, set_faults, webhook_bodies
from orders.tests.returned import make_sent_order
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

    def test_gives_back_what_units_cost_and_puts_them_back_on_the_shelf(self) -> None:
        stock, boss = make_stock(on_hand=9), make_user(is_superuser=True)
        order = make_sent_order((stock, 3))
        line = order.lines.get()
        said = SAID | {f"units_{line.pk.hex}": "2", f"shelf_{line.pk.hex}": "on"}

        browser_of(boss).post(refund_url(order), said)

        refund = Refund.objects.get()
        stock.refresh_from_db()
        assert refund.amount_minor == 2 * line.unit_price_minor
        assert stock.on_hand == 8
        agree()

    def test_gives_back_once_however_often_the_page_is_sent(self) -> None:
        order, boss = make_order(), make_user(is_superuser=True)
        pay(order)
        browser = browser_of(boss)

        for _ in range(2):
            browser.post(refund_url(order), SAID | {"amount": "2.50", "request_key": "a" * 32})

        assert Refund.objects.get().amount_minor == 250

    @pytest.mark.parametrize(("units", "more"), [("1", {"amount": "2.50"}), ("", {"shelf": "on"})])
    def test_refuses_what_contradicts_itself(self, units: str, more: dict[str, str]) -> None:
        order, boss = make_sent_order((make_stock(on_hand=9), 3)), make_user(is_superuser=True)
        line = order.lines.get().pk.hex
        said = {f"shelf_{line}" if name == "shelf" else name: value for name, value in more.items()}

        page = browser_of(boss).post(refund_url(order), SAID | {f"units_{line}": units} | said)

        assert page.status_code == 200
        assert not Refund.objects.exists()

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


@pytest.mark.django_db
class TestRefundAdmin:
    def test_tries_again_what_failed_and_nothing_else(self) -> None:
        order, boss = make_order(), make_user(is_superuser=True)
        pay(order)
        set_faults(refunds_fail=1)
        browser_of(boss).post(refund_url(order), SAID | {"amount": "2.50"})
        page = f"/admin/payments/refund/{Refund.objects.get().pk}"

        offered = browser_of(boss).get(f"{page}/change/").content.decode()
        answer = browser_of(boss).post(f"{page}/retry/", SAID, follow=True).content.decode()
        again = Refund.objects.get(status="succeeded")

        assert ("Try again" in offered, "Given back" in offered) == (True, False)
        assert "succeeded" in answer
        assert (again.amount_minor, again.actor_id) == (250, boss.pk)
        assert "Try again" not in browser_of(boss).get(f"/admin/payments/refund/{again.pk}/change/").content.decode()
        agree()
