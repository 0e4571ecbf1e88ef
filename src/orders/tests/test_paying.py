from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.tests.factories import make_user
from inventory.tests.factories import make_stock
from orders import services
from orders.domain import OrderStatus
from orders.errors import OrderNotFound
from orders.services import Payer
from orders.tests.factories import make_guest_order, make_order
from orders.tests.gateway import agree, cancel, charges, crash, pay, state_of
from payments import selectors as ledger
from payments.domain import Wish
from payments.errors import (
    AlreadyPaid,
    NotPayable,
    PaymentInProgress,
    ProviderUnknown,
    TooManyDeclines,
)
from payments.models import Attempt, Payment


@pytest.mark.django_db
class TestPayOrder:
    def test_takes_the_money_and_moves_the_order_to_paid(self) -> None:
        order = make_order((make_stock(on_hand=3, price_minor=1000), 2))

        payment = pay(order)

        assert (payment.status, payment.captured_minor, state_of(order)) == ("captured", 2000, "paid")
        assert order.moves.get(to_status="paid").by == "system"
        balances = {
            account: ledger.balance(account=account, currency="GBP")
            for account in ("provider:sandbox", "sales", "deposits", "cash")
        }
        assert balances == {"provider:sandbox": 2000, "sales": -2000, "deposits": 0, "cash": 0}
        agree()

    def test_writes_the_key_down_before_the_provider_is_called(self, monkeypatch: pytest.MonkeyPatch) -> None:
        order = make_order()

        crash(monkeypatch, "call", order)

        attempt = Attempt.objects.get()
        assert attempt.idempotency_key == f"pay-{attempt.pk.hex}"
        assert (attempt.status, charges()) == ("created", [])

    def test_leads_to_the_page_without_a_card_and_is_paid_once_it_was_used(self) -> None:
        order = make_order()

        payment = pay(order, "")

        assert payment.status == "requires_action"
        assert "/sandbox/pay/" in str(payment.attempts.get().next_action)
        assert state_of(order) == "pending"
        agree()

    def test_tells_of_a_declined_card_and_lets_another_try(self) -> None:
        order = make_order()

        declined = pay(order, "declined")
        paid = pay(order)

        assert (declined.status, declined.attempts.all()[0].failure) == ("failed", "card_declined")
        assert (paid.pk, paid.status, state_of(order)) == (declined.pk, "captured", "paid")
        assert [charge["captured"] for charge in charges()].count(order.total_minor) == 1
        agree()

    def test_goes_on_with_the_attempt_that_lives(self) -> None:
        order = make_order()

        first, second = pay(order, ""), pay(order, "")

        assert first.attempts.get() == second.attempts.get()
        assert len(charges()) == 1

    def test_calls_off_what_waits_for_the_shopper_when_they_choose_otherwise(self) -> None:
        order = make_order()
        pay(order, "")

        payment = pay(order, "success")

        statuses = payment.attempts.order_by("pk").values_list("status", flat=True)
        assert list(statuses) == ["cancelled", "captured"]
        assert sorted(charge["status"] for charge in charges()) == ["captured", "voided"]
        agree()

    def test_refuses_a_second_attempt_while_the_first_is_pending(self, settings: Any) -> None:
        settings.SANDBOX_SLOW_SECONDS = 600
        order = make_order()
        pay(order, "slow")

        with pytest.raises(PaymentInProgress):
            pay(order, "success")

        assert len(charges()) == 1

    def test_refuses_what_is_paid_or_cancelled(self) -> None:
        paid, cancelled = make_order(), make_order()
        pay(paid)
        cancel(cancelled)

        with pytest.raises(AlreadyPaid):
            pay(paid)
        with pytest.raises(NotPayable):
            pay(cancelled)

        assert len(charges()) == 1
        assert Payment.objects.count() == 1
        agree()

    def test_refuses_an_unknown_provider(self) -> None:
        order = make_order()

        with pytest.raises(ProviderUnknown):
            pay(order, provider="barter")

        assert not Payment.objects.exists()

    def test_finds_no_order_of_a_stranger(self) -> None:
        orders = [make_order(), make_guest_order()]
        strangers = [
            Payer(viewer=make_user()),
            Payer(viewer=None),
            Payer(viewer=None, token="wrong"),
            Payer(viewer=make_user(permissions=["orders.view_order"])),
        ]

        for order in orders:
            for stranger in strangers:
                with pytest.raises(OrderNotFound):
                    services.pay_order(
                        order_id=order.pk, wish=Wish(provider="manual"), payer=stranger, at=timezone.now()
                    )

        assert not Payment.objects.exists()

    def test_takes_a_guests_money_by_the_orders_token(self) -> None:
        order = make_guest_order()

        assert pay(order).status == "captured"
        assert state_of(order) == "paid"

    def test_takes_nothing_for_what_costs_nothing(self) -> None:
        order = make_order((make_stock(price_minor=0), 1))

        payment = pay(order)

        assert (payment.status, state_of(order), charges()) == ("captured", "paid", [])
        agree()

    def test_waits_for_staff_with_a_payment_by_hand(self) -> None:
        order, staff = make_order(), make_user(permissions=["orders.view_order", "orders.move_order"])

        waiting = pay(order, "", provider="manual")
        services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=staff, at=timezone.now())

        payment = Payment.objects.get()
        assert (waiting.status, payment.status, state_of(order)) == ("pending", "captured", "paid")
        assert payment.attempts.get().provider == "manual"
        agree()

    def test_s35_slows_down_and_blocks_who_tries_cards(self) -> None:
        customer = make_user()
        for _ in range(5):
            pay(make_order(customer=customer), "declined")

        with pytest.raises(TooManyDeclines) as refusal:
            pay(make_order(customer=customer))

        assert 0 < (refusal.value.retry_after_seconds or 0) <= 601
        assert len(charges()) == 5
        soon = timezone.now() + timedelta(minutes=11)
        for _ in range(5):
            pay(make_order(customer=customer), "declined", at=soon)
            soon += timedelta(minutes=11)
        with pytest.raises(TooManyDeclines) as refusal:
            pay(make_order(customer=customer), at=soon)
        assert (refusal.value.retry_after_seconds or 0) > 12 * 3600

    def test_keeps_nothing_of_who_tries_but_digests(self) -> None:
        pay(make_order(), "declined")

        assert "203.0.113.7" not in str(list(Attempt.objects.values())) + str(list(Payment.objects.values()))
