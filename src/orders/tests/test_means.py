"""Paying by several means, and giving back over them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.errors import TooManyAttempts
from accounts.tests.factories import make_user
from core import outbox
from core.ids import new_id
from core.money import Money
from inventory.tests.factories import make_stock
from orders import services
from orders.domain import OrderStatus
from orders.models import Invoice, Order
from orders.services import RefundOrder
from orders.tests.factories import make_guest_order, make_order
from orders.tests.gateway import agree, cancel, catch_up, charges, expire, pay, state_of, told
from orders.tests.sellers import make_seller
from payments import selectors as ledger
from payments import services as payments
from payments.domain import GIFT_CARD, REFUNDS_DUE, STORE_CREDIT, AttemptStatus, RefundTo, exchange_of, store_credit_of
from payments.errors import (
    AlreadyPaid,
    BalanceNotUsable,
    GiftCardUnknown,
    NotPayable,
    ProviderUnknown,
    RefundNotByHand,
    RefundTooLarge,
)
from payments.models import Attempt, Balance, Payment, Refund
from payments.services import IssuedGiftCard
from payments.tests.factories import charge_of, make_gift_card

STEP = transaction.atomic
SOON = timedelta(minutes=1)


def order_of(minor: int, **more: Any) -> Order:
    return make_order((make_stock(on_hand=9, price_minor=minor), 1), **more)


def pay_by(made: IssuedGiftCard, order: Order) -> Payment:
    return pay(order, "", provider=GIFT_CARD, code=made.code)


def left_on(made: IssuedGiftCard) -> int:
    return int(Balance.objects.get(pk=made.card.pk).left_minor)


def grant(customer: Any, minor: int) -> None:
    payments.grant_store_credit(
        customer_id=customer.pk, amount=Money(minor, "GBP"), note="", actor=make_user(), at=timezone.now()
    )


def credit_of(customer: Any) -> int:
    return sum(row.left_minor for row in ledger.store_credit(customer_id=customer.pk))


def make_clerk() -> Any:
    return make_user(permissions=["orders.view_order", "orders.move_order", "payments.add_refund"])


def give_back(order: Order, amount: str | None = None, **more: Any) -> list[Refund]:
    wish = RefundOrder(amount=Decimal(amount) if amount else None, **more)
    return services.refund_order(order_id=order.pk, wish=wish, actor=make_clerk(), at=timezone.now())


def staff_cancel(order: Order) -> None:
    services.move_order(
        order_id=order.pk, to=OrderStatus.CANCELLED, actor=make_clerk(), at=timezone.now(), reason="Out of stock."
    )


def owed() -> int:
    return ledger.balance(account=REFUNDS_DUE, currency="GBP")


@pytest.mark.django_db
class TestPayOrder:
    def test_pays_with_a_gift_card_alone(self) -> None:
        order, made = order_of(2500), make_gift_card(5000)

        payment = pay_by(made, order)

        assert (payment.status, state_of(order), left_on(made), charges()) == ("captured", "paid", 2500, [])
        agree()

    def test_pays_the_rest_with_a_card(self) -> None:
        order, made = order_of(2500), make_gift_card(1000)

        first = pay_by(made, order)
        second = pay(order)

        assert (first.status, first.to_pay_minor, state_of(order)) == ("pending", 1500, "paid")
        assert (second.status, second.captured_minor) == ("captured", 2500)
        assert [charge["captured"] for charge in charges()] == [1500]
        assert told() == []
        agree()

    def test_calls_off_a_page_that_waits_before_it_takes_a_gift_card(self) -> None:
        order, made = order_of(2500), make_gift_card(1000)
        pay(order, "")

        pay_by(made, order)
        pay(order)

        assert sorted((charge["status"], charge["captured"]) for charge in charges()) == [
            ("captured", 1500),
            ("voided", 0),
        ]
        assert state_of(order) == "paid"
        agree()

    def test_shows_a_declined_card_beside_what_was_paid(self) -> None:
        order, made = order_of(2500), make_gift_card(1000)
        pay_by(made, order)

        declined = pay(order, "declined")

        assert (declined.status, declined.to_pay_minor, state_of(order)) == ("failed", 1500, "pending")
        assert left_on(made) == 0
        agree()

    def test_takes_a_gift_card_once_for_the_same_request(self) -> None:
        order, made = order_of(2500), make_gift_card(1000)

        for _ in range(2):
            pay(order, "", provider=GIFT_CARD, code=made.code, request_key="k" * 64)

        assert Attempt.objects.count() == 1
        agree()

    def test_lets_staff_confirm_the_rest_by_hand(self) -> None:
        order, made = order_of(2500), make_gift_card(1000)
        pay_by(made, order)

        services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=make_clerk(), at=timezone.now())

        assert sorted(Attempt.objects.values_list("provider", "captured_minor")) == [
            ("gift_card", 1000),
            ("manual", 1500),
        ]
        assert state_of(order) == "paid"
        agree()

    def test_takes_store_credit_of_its_customer_alone(self) -> None:
        customer = make_user()
        grant(customer, 3000)
        mine, guests = order_of(2500, customer=customer), make_guest_order()

        paid = pay(mine, "", provider=STORE_CREDIT)
        with pytest.raises(BalanceNotUsable):
            pay(guests, "", provider=STORE_CREDIT)

        assert (paid.status, credit_of(customer), state_of(guests)) == ("captured", 500, "pending")
        agree()

    def test_takes_no_exchange_by_itself(self) -> None:
        with pytest.raises(ProviderUnknown):
            pay(make_order(), "", provider="exchange")

        assert not Attempt.objects.exists()

    def test_limits_how_many_codes_are_tried(self) -> None:
        order, made = order_of(2500), make_gift_card(5000)
        for _ in range(20):
            with pytest.raises(GiftCardUnknown):
                pay(order, "", provider=GIFT_CARD, code="0000-0000-0000-0000")

        with pytest.raises(TooManyAttempts):
            pay_by(made, order)

        assert (left_on(made), state_of(order)) == (5000, "pending")

    def test_refuses_a_gift_card_for_what_is_paid_or_cancelled(self) -> None:
        paid, cancelled, made = make_order(), make_order(), make_gift_card(5000)
        pay(paid)
        cancel(cancelled)

        with pytest.raises(AlreadyPaid):
            pay_by(made, paid)
        with pytest.raises(NotPayable):
            pay_by(made, cancelled)

        assert left_on(made) == 5000


@pytest.mark.django_db
class TestPayFromBalance:
    def test_pays_a_replacement_from_what_came_back(self) -> None:
        sold, sent = order_of(2500), order_of(2000)
        pay(sold)
        account = exchange_of(new_id())

        with STEP():
            payment_id = ledger.payment_of(order_id=sold.pk)
            wish = RefundOrder(amount=Decimal(20), to=RefundTo.EXCHANGE, credited=account)
            services.promise_refund(payment_id=payment_id, wish=wish, actor=None, at=timezone.now())
            taken = services.pay_from_balance(order=sent, account=account, at=timezone.now())

        assert (taken, state_of(sent)) == (2000, "paid")
        assert Balance.objects.get(account=account).left_minor == 0
        agree()


@pytest.mark.django_db
class TestStopPaying:
    @pytest.mark.parametrize("end", [cancel, expire])
    def test_puts_back_what_a_pending_order_had_taken(self, end: Any) -> None:
        order, made = order_of(2500), make_gift_card(1000)
        pay_by(made, order)

        end(order)
        catch_up()

        assert (state_of(order), left_on(made), Payment.objects.get().status) == ("cancelled", 1000, "refunded")
        assert (Refund.objects.get().status, owed()) == ("succeeded", 0)
        agree()

    def test_sends_the_card_back_that_pays_the_rest_too_late(self, settings: Any) -> None:
        settings.SANDBOX_SLOW_SECONDS = 0
        order, made = order_of(2500), make_gift_card(1000)
        pay_by(made, order)
        pay(order, "slow")
        cancel(order)

        catch_up(after=timedelta(minutes=1))

        assert (state_of(order), left_on(made)) == ("cancelled", 1000)
        assert [(charge["captured"] - charge["refunded"]) for charge in charges()] == [0]
        agree()

    def test_gives_back_all_that_paid_an_order_that_is_cancelled(self) -> None:
        order, made = order_of(2500), make_gift_card(1000)
        pay_by(made, order)
        pay(order)

        staff_cancel(order)
        catch_up(after=SOON)

        assert (left_on(made), charges()[0]["refunded"], Payment.objects.get().status) == (1000, 1500, "refunded")
        assert owed() == 0
        agree()

    @pytest.mark.parametrize("to", [RefundTo.PAYMENT, RefundTo.STORE_CREDIT])
    def test_owes_nothing_again_that_went_back_before(self, to: RefundTo) -> None:
        order = order_of(2500)
        pay(order)
        give_back(order, "7.00", to=to)

        staff_cancel(order)
        catch_up(after=SOON)

        assert sum(Refund.objects.values_list("amount_minor", flat=True)) == 2500
        assert (owed(), ledger.balance(account="returns", currency="GBP")) == (0, 0)
        agree()

    def test_leaves_an_order_alone_that_was_taken_up_again(self) -> None:
        order = order_of(2500)
        pay(order)

        with STEP():
            services.stop_paying(order_id=order.pk, at=timezone.now())

        assert (state_of(order), Refund.objects.count()) == ("paid", 0)
        agree()

    def test_asks_staff_to_give_back_what_came_by_hand(self) -> None:
        order, clerk = order_of(2500), make_clerk()
        services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=clerk, at=timezone.now())

        staff_cancel(order)
        catch_up(after=SOON)

        refund = Refund.objects.get()
        assert (refund.status, told(), owed()) == ("created", ["refund_by_hand"], -2500)
        for _ in range(2):
            payments.confirm_refund(refund_id=refund.pk, actor=clerk, at=timezone.now())
        refund.refresh_from_db()
        assert (refund.status, refund.actor_id, owed()) == ("succeeded", clerk.pk, 0)
        agree()


@pytest.mark.django_db
class TestConfirmRefund:
    def test_refuses_what_a_provider_sees_to(self) -> None:
        order = order_of(2500)
        pay(order)
        [refund] = give_back(order, "1.00")

        with pytest.raises(RefundNotByHand):
            payments.confirm_refund(refund_id=refund.pk, actor=make_clerk(), at=timezone.now())

        assert Payment.objects.get().refunded_minor == 100


@pytest.mark.django_db
class TestRefundOrder:
    def test_gives_back_by_the_card_first_and_by_gift_cards_last(self) -> None:
        order, made = order_of(2500), make_gift_card(1000)
        pay_by(made, order)
        pay(order)

        small = give_back(order, "5.00")
        large = give_back(order, "15.00", request_key="r" * 64)

        assert [(row.attempt.provider, row.amount_minor) for row in small] == [("sandbox", 500)]
        assert [(row.attempt.provider, row.amount_minor) for row in large] == [("sandbox", 1000), ("gift_card", 500)]
        assert {row.group for row in large} == {large[0].pk}
        assert (left_on(made), charges()[0]["refunded"]) == (500, 1500)
        agree()

    def test_is_the_same_for_the_same_request(self) -> None:
        order, made = order_of(2500), make_gift_card(1000)
        pay_by(made, order)
        pay(order)

        first, again = (give_back(order, "20.00", request_key="r" * 64) for _ in range(2))

        assert [row.pk for row in first] == [row.pk for row in again]
        assert Payment.objects.get().refunded_minor == 2000
        agree()

    def test_never_gives_more_than_all_means_took(self) -> None:
        order, made = order_of(2500), make_gift_card(1000)
        pay_by(made, order)
        pay(order)

        with pytest.raises(RefundTooLarge) as refusal:
            give_back(order, "25.01")

        assert refusal.value.facts["left"] == {"amount": "25.00", "currency": "GBP"}
        assert (Refund.objects.count(), left_on(made)) == (0, 0)

    def test_gives_it_as_store_credit_to_be_spent(self) -> None:
        customer = make_user()
        order, next_order = order_of(2500, customer=customer), order_of(2000, customer=customer)
        pay(order)

        give_back(order, to=RefundTo.STORE_CREDIT)
        pay(next_order, "", provider=STORE_CREDIT)

        assert (credit_of(customer), state_of(next_order)) == (500, "paid")
        assert ledger.balance(account=store_credit_of(customer.pk), currency="GBP") == -500
        agree()

    def test_refuses_what_is_not_paid_yet(self) -> None:
        order, made = order_of(2500), make_gift_card(1000)
        pay_by(made, order)

        with pytest.raises(NotPayable):
            give_back(order)

        assert (Refund.objects.count(), left_on(made)) == (0, 0)

    def test_makes_a_card_good_again_that_ran_out_meanwhile(self) -> None:
        made = make_gift_card(5000, expires_at=timezone.now() + timedelta(days=1))
        order = order_of(2500)
        pay_by(made, order)

        give_back(order)

        kept = Balance.objects.get(pk=made.card.pk)
        assert kept.expires_at is not None
        assert kept.expires_at > timezone.now() + timedelta(days=80)
        assert kept.left_minor == 5000

    def test_credits_no_invoice_for_what_was_paid_twice(self) -> None:
        make_seller()
        order, clerk = order_of(2500), make_clerk()
        pay(order, "")
        services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=clerk, at=timezone.now())
        catch_up()
        before = Invoice.objects.count()
        attempt = Attempt.objects.get(provider="sandbox")
        assert attempt.status == "cancelled"

        payments.record_outcome(
            attempt_id=attempt.pk, charge=charge_of(attempt, AttemptStatus.CAPTURED), at=timezone.now()
        )
        outbox.drain()

        attempt.refresh_from_db()
        assert attempt.is_surplus
        assert (Invoice.objects.count(), Refund.objects.get().account) == (before, "deposits")
