from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from structlog.testing import capture_logs

from accounts.tests.factories import make_user
from core.money import Money
from inventory.tests.factories import make_stock
from orders import selectors, services
from orders.errors import OrderNotFound
from orders.models import Order, PaymentLink
from orders.tests.drafting import item, make_draft, place_draft
from orders.tests.factories import make_guest_order, make_order
from orders.tests.gateway import agree, cancel, catch_up, charges, expire, state_of
from payments import services as payments
from payments.errors import NotPayable
from payments.models import Attempt
from payments.tests.factories import make_gift_card


def order_to_pay(**changes: Any) -> Order:
    return place_draft(make_draft(item(make_stock(on_hand=9, price_minor=1250), 2), **changes), at=timezone.now())


def link(order: Order) -> PaymentLink:
    return services.make_payment_link(order_id=order.pk, actor=make_user(is_staff=True), at=timezone.now())


def page_of(order: Order) -> str:
    return f"/pay/{link(order).token}"


def look(path: str) -> Any:
    return Client(raise_request_exception=False).get(path)


def choose(path: str, provider: str = "sandbox") -> Any:
    return Client(raise_request_exception=False).post(path, {"provider": provider})


def answer(url: str, card: str) -> Any:
    """Choose a test card on the sandbox's page, with the token that its form has."""
    path = url.partition("/sandbox/")[2]
    page = Client().get(f"/sandbox/{path}").content.decode()
    token = page.partition('name="token" value="')[2].partition('"')[0]
    return Client().post(f"/sandbox/{path}", {"token": token, "card": card})


def a_while_passes() -> None:
    """The provider is not asked again within a second."""
    Attempt.objects.update(updated_at=timezone.now() - timedelta(seconds=5))


@pytest.mark.django_db
class TestMakePaymentLink:
    def test_makes_one_link_for_an_order(self) -> None:
        order = make_guest_order()
        Order.objects.filter(pk=order.pk).update(expires_at=timezone.now() + timedelta(hours=1))

        first, second = link(order), link(order)

        assert first == second
        assert first.token == second.token
        assert first.expires_at == Order.objects.get().expires_at

    def test_refuses_an_order_that_waits_for_no_payment(self) -> None:
        cancelled, lapsed = make_order(), make_order()
        cancel(cancelled)
        Order.objects.filter(pk=lapsed.pk).update(expires_at=timezone.now())

        for order in (cancelled, lapsed):
            with pytest.raises(NotPayable):
                link(order)

        assert not PaymentLink.objects.exists()

    def test_refuses_an_order_that_is_not_there(self) -> None:
        with pytest.raises(OrderNotFound):
            link(Order())

    def test_keeps_no_token_that_can_be_read_in_the_table(self) -> None:
        order = order_to_pay()
        token = link(order).token

        with connection.cursor() as cursor:
            cursor.execute("SELECT l::text FROM orders_paymentlink l")
            row = cursor.fetchone()[0]

        assert token not in row


@pytest.mark.django_db
class TestPaymentPage:
    def test_shows_what_is_to_be_paid_and_how_and_is_kept_nowhere(self) -> None:
        order = order_to_pay()

        shown = look(page_of(order))

        page = shown.content.decode()
        assert shown.status_code == 200
        assert order.number in page
        assert "25.00 GBP" in page
        assert 'value="sandbox"' in page
        assert "<script" not in page
        assert shown["Cache-Control"] == "no-store"
        assert shown["X-Robots-Tag"] == "noindex"
        assert shown["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in shown["Content-Security-Policy"]
        assert "form-action 'self' https:" in shown["Content-Security-Policy"]

    def test_shows_nothing_of_the_person(self) -> None:
        page = look(page_of(order_to_pay(email="secret@example.com"))).content.decode()

        assert "secret@example.com" not in page
        assert "Lovelace" not in page

    def test_leads_to_the_provider_and_back_and_then_it_is_paid(self) -> None:
        order = order_to_pay()
        path = page_of(order)

        led = choose(path)
        back = answer(led["Location"], "success")
        a_while_passes()
        shown = look(path)

        assert led.status_code == 303
        assert "/sandbox/pay/" in led["Location"]
        assert back["Location"].endswith(path)
        assert "This order is paid" in shown.content.decode()
        assert state_of(order) == "paid"
        assert len(charges()) == 1
        agree()

    def test_can_be_tried_again_after_a_decline(self) -> None:
        order = order_to_pay()
        path = page_of(order)
        answer(choose(path)["Location"], "declined")
        a_while_passes()

        shown = look(path).content.decode()

        assert "did not work" in shown
        assert 'value="sandbox"' in shown
        answer(choose(path)["Location"], "success")
        a_while_passes()
        look(path)
        assert state_of(order) == "paid"
        agree()

    def test_says_that_it_waits_while_the_bank_takes_its_time(self, settings: Settings) -> None:
        settings.SANDBOX_SLOW_SECONDS = 600
        order = order_to_pay()
        path = page_of(order)
        answer(choose(path)["Location"], "slow")
        a_while_passes()

        assert "waiting for your payment" in look(path).content.decode()
        assert choose(path)["Location"].endswith(path)
        assert choose(path, "manual").status_code == 409
        assert len(charges()) == 1

    def test_pays_a_customers_order_without_a_sign_in(self) -> None:
        customer = make_user()
        order = order_to_pay(customer=customer.pk)

        answer(choose(page_of(order))["Location"], "success")
        catch_up(after=timedelta(minutes=2))

        assert state_of(order) == "paid"

    def test_takes_a_gift_card_for_a_part_and_the_rest_otherwise(self) -> None:
        order = order_to_pay()
        path = page_of(order)
        card = make_gift_card(1000)

        Client().post(path, {"provider": "gift_card", "gift_card": card.code})
        shown = look(path).content.decode()

        assert "15.00 GBP?" in shown
        answer(choose(path)["Location"], "success")
        a_while_passes()
        look(path)
        assert state_of(order) == "paid"
        assert [charge["amount"] for charge in charges()] == [1500]
        agree()

    def test_does_not_spend_what_its_buyer_has_in_the_shop(self) -> None:
        customer = make_user()
        order = order_to_pay(customer=customer.pk)
        payments.grant_store_credit(
            customer_id=customer.pk, amount=Money(9000, "GBP"), note="", actor=make_user(), at=timezone.now()
        )

        refused = choose(page_of(order), "store_credit")

        assert refused.status_code == 422
        assert not Attempt.objects.exists()

    def test_says_what_became_of_an_order_that_is_over(self) -> None:
        order = order_to_pay()
        path = page_of(order)
        expire(order)

        shown, refused = look(path), choose(path)

        assert "was cancelled" in shown.content.decode()
        assert 'name="provider"' not in shown.content.decode()
        assert refused.status_code == 409
        assert not Attempt.objects.exists()

    def test_says_that_its_time_is_over(self) -> None:
        order = order_to_pay()
        path = page_of(order)
        PaymentLink.objects.update(expires_at=timezone.now())

        shown, refused = look(path), choose(path)

        assert "time to pay this order is over" in shown.content.decode()
        assert refused.status_code == 409
        assert not Attempt.objects.exists()

    def test_keeps_the_key_out_of_the_log(
        self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        caplog.set_level("DEBUG")
        order = order_to_pay()
        path = page_of(order)

        with capture_logs() as told:
            choose(path)

        logged = f"{told}{caplog.text}{capfd.readouterr()}"
        assert "/pay/" in logged
        assert link(order).token not in logged

    def test_says_alike_of_every_link_that_is_none(self) -> None:
        order_to_pay()

        found = [look("/pay/nothing"), choose("/pay/nothing"), look(f"/pay/{'x' * 200}")]

        assert [each.status_code for each in found] == [404, 404, 404]
        assert all("This link is not valid" in each.content.decode() for each in found)

    @pytest.mark.parametrize("provider", ["", "barter", "gift_card", "store_credit", "\u0000", "x" * 5000])
    def test_refuses_ways_to_pay_that_it_does_not_offer(self, provider: str) -> None:
        order = order_to_pay()

        refused = choose(page_of(order), provider)

        assert refused.status_code in (400, 422)
        assert not Attempt.objects.exists()


@pytest.mark.django_db
class TestUrlOfLink:
    def test_names_the_shop_whatever_host_was_asked(self) -> None:
        order = order_to_pay()

        url = selectors.url_of_link(link=link(order))

        assert url.startswith("http")
        assert url.endswith(link(order).token)
