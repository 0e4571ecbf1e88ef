from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.tests.factories import make_user
from inventory.models import Stock
from inventory.tests.factories import make_stock
from orders import services
from orders.domain import OrderStatus
from orders.models import Invoice, Order
from orders.services import RefundOrder
from orders.tests.drafting import edit
from orders.tests.factories import make_order
from orders.tests.gateway import (
    agree,
    cancel,
    catch_up,
    charges,
    deliver,
    expire,
    pay,
    set_faults,
    state_of,
    told,
    webhook_bodies,
)
from orders.tests.parcels import make_manager
from orders.tests.sellers import make_seller
from payments import selectors as ledger
from payments import services as payments
from payments.errors import (
    PaymentNotFound,
)
from payments.models import Attempt, Payment, Refund
from payments.providers import Charge, GivenBack
from payments.providers.sandbox import Sandbox
from promotions.tests.factories import make_coupon, make_promotion
from sandbox import services as gateway
from sandbox.api.serializers import read_id


def give_back_at_the_gateway(attempt: Attempt) -> None:
    """Give a charge back as staff do in the provider's own back office, and let its webhook come."""
    charge_id, at = read_id(attempt.provider_reference, "ch"), timezone.now()
    gateway.refund_charge(charge_id=charge_id, amount=attempt.captured_minor, reference="", key=None, at=at)
    for body in webhook_bodies():
        assert deliver(body) < 300
    catch_up(after=timedelta(minutes=1))


@pytest.mark.django_db
class TestSecondCharge:
    def paid_twice(self, settings: Any) -> Order:
        """Return an order that staff saw paid while its shopper was at the provider, who paid, too."""
        settings.SANDBOX_SLOW_SECONDS = 0
        make_seller()
        order = make_order()
        pay(order, "slow")
        services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=make_manager(), at=timezone.now())
        return order

    def test_goes_back_and_was_never_invoiced(self, settings: Any) -> None:
        self.paid_twice(settings)

        catch_up(after=timedelta(minutes=1))

        refund = Refund.objects.get()
        assert (refund.status, refund.account, refund.attempt.is_surplus) == ("succeeded", "deposits", True)
        assert list(Invoice.objects.values_list("kind", flat=True)) == ["invoice"]
        agree()

    def test_is_a_deposit_though_it_goes_back_with_a_cancelled_sale(
        self, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order, staff = self.paid_twice(settings), make_manager()
        with monkeypatch.context() as failing:
            failing.setattr(Sandbox, "refund", lambda *_: GivenBack(reference="", is_done=False, failure="closed"))
            catch_up(after=timedelta(minutes=1))
        services.move_order(order_id=order.pk, to=OrderStatus.CANCELLED, actor=staff, at=timezone.now())
        catch_up(after=timedelta(minutes=1))

        services.refund_order(order_id=order.pk, wish=RefundOrder(), actor=staff, at=timezone.now())
        by_hand = Refund.objects.get(attempt__provider="manual")
        payments.confirm_refund(refund_id=by_hand.pk, actor=staff, at=timezone.now())

        again = Refund.objects.get(attempt__provider="sandbox", status="succeeded")
        assert again.account == "deposits"
        assert [ledger.balance(account=name, currency="GBP") for name in ("deposits", "refunds_due")] == [0, 0]
        agree()


@pytest.mark.django_db
class TestStopPaying:
    def test_told_twice_gives_back_once(self) -> None:
        order, staff = make_order((make_stock(price_minor=2500), 1)), make_manager()
        pay(order)
        part = RefundOrder(amount=Decimal(7))
        services.refund_order(order_id=order.pk, wish=part, actor=staff, at=timezone.now())
        cancel(order)

        for _ in range(2):
            with transaction.atomic():
                services.stop_paying(order_id=order.pk, at=timezone.now())

        assert [refund.amount_minor for refund in Refund.objects.order_by("pk")] == [700, 1800]
        catch_up(after=timedelta(minutes=1))
        agree()

    def test_what_did_not_go_back_by_itself_and_is_given_back_at_the_provider_is_owed_no_more(self) -> None:
        order = make_order((make_stock(price_minor=2500), 1))
        pay(order)
        set_faults(refunds_fail=1)
        cancel(order)
        catch_up(after=timedelta(minutes=1))
        attempt = Attempt.objects.get()
        assert [row.status for row in Refund.objects.all()] == ["failed"]

        give_back_at_the_gateway(attempt)

        assert list(Refund.objects.order_by("pk").values_list("status", "account")) == [
            ("failed", "refunds_due"),
            ("succeeded", "refunds_due"),
        ]
        balances = [ledger.balance(account=name, currency="GBP") for name in ("refunds_due", "returns", "sales")]
        assert balances == [0, 0, 0]
        agree()

    def test_what_was_never_a_sale_and_is_given_back_at_the_provider_is_a_deposit(self, settings: Any) -> None:
        settings.SANDBOX_SLOW_SECONDS = 0
        stock = make_stock(on_hand=1)
        order = make_order((stock, 1))
        pay(order, "slow")
        expire(order)
        make_order((stock, 1))
        set_faults(refunds_fail=1)
        catch_up(after=timedelta(seconds=20))
        attempt = Attempt.objects.get()
        assert [(row.status, row.account) for row in Refund.objects.all()] == [("failed", "deposits")]

        give_back_at_the_gateway(attempt)

        assert [ledger.balance(account=name, currency="GBP") for name in ("deposits", "returns")] == [0, 0]
        agree()


@pytest.mark.django_db
class TestLateCharge:
    def lapsed(self, *, on_hand: int = 1) -> tuple[Order, Stock]:
        """Return an order that lapsed while its shopper was at the provider, and its stock."""
        stock = make_stock(on_hand=on_hand)
        order = make_order((stock, 1))
        pay(order, "slow")
        expire(order)
        return order, stock

    def test_takes_the_order_up_again_where_there_is_stock(self, settings: Any) -> None:
        settings.SANDBOX_SLOW_SECONDS = 0
        order, stock = self.lapsed()

        services.show_payment(
            payment_id=Payment.objects.get().pk,
            viewer=order.customer,
            token=None,
            at=timezone.now() + timedelta(seconds=5),
        )

        stock.refresh_from_db()
        assert (state_of(order), stock.reserved, told()) == ("paid", 1, ["late_charge_kept"])
        assert not Refund.objects.exists()
        agree()

    def test_takes_no_promotion_again_that_an_edit_took_off_the_order(self, settings: Any) -> None:
        settings.SANDBOX_SLOW_SECONDS = 0
        promotion = make_promotion(needs_code=True, usage_limit=1)
        make_coupon("ONCE", promotion=promotion)
        order = make_order()
        for coupon in ("ONCE", ""):
            edit(order, coupon=coupon)
        pay(order, "slow")
        expire(order)
        edit(make_order(), coupon="ONCE")

        catch_up(after=timedelta(seconds=20))

        promotion.refresh_from_db()
        assert (state_of(order), promotion.uses, told()) == ("paid", 1, ["late_charge_kept"])
        agree()

    def test_goes_back_yet_where_the_order_that_was_taken_up_again_is_cancelled(self, settings: Any) -> None:
        settings.SANDBOX_SLOW_SECONDS = 0
        order, _ = self.lapsed()
        with transaction.atomic():
            services.stop_paying(order_id=order.pk, at=timezone.now())
        catch_up(after=timedelta(seconds=20))
        assert (state_of(order), Payment.objects.get().closed_at) == ("paid", None)

        cancel(order)
        catch_up(after=timedelta(minutes=1))

        assert [charge["captured"] - charge["refunded"] for charge in charges()] == [0]
        assert ledger.balance(account="refunds_due", currency="GBP") == 0
        agree()

    def test_sends_the_money_back_by_itself_where_the_goods_are_gone(self) -> None:
        order, stock = self.lapsed()
        other = make_order((stock, 1))

        services.show_payment(
            payment_id=Payment.objects.get().pk,
            viewer=order.customer,
            token=None,
            at=timezone.now() + timedelta(seconds=5),
        )
        catch_up(after=timedelta(seconds=10))

        payment = Payment.objects.get()
        assert (state_of(order), state_of(other)) == ("cancelled", "pending")
        assert (payment.status, payment.refunded_minor) == ("refunded", order.total_minor)
        assert told() == ["late_charge_returned"]
        assert ledger.balance(account="deposits", currency="GBP") == 0
        agree()

    def test_sends_the_money_back_when_the_customer_had_cancelled(self) -> None:
        order = make_order((make_stock(on_hand=5), 1))
        pay(order, "slow")
        cancel(order)

        services.show_payment(
            payment_id=Payment.objects.get().pk,
            viewer=order.customer,
            token=None,
            at=timezone.now() + timedelta(seconds=5),
        )
        catch_up(after=timedelta(seconds=10))

        assert (state_of(order), Payment.objects.get().status) == ("cancelled", "refunded")
        agree()

    def test_calls_off_at_the_provider_what_a_cancelled_order_left_open(self) -> None:
        order = make_order()
        pay(order, "")
        cancel(order)

        catch_up(after=timedelta(seconds=1))

        assert [charge["status"] for charge in charges()] == ["voided"]
        assert Attempt.objects.get().status == "cancelled"

    def test_sends_back_what_was_charged_beside_a_payment_by_hand(self) -> None:
        order, staff = make_order(), make_user(permissions=["orders.view_order", "orders.move_order"])
        pay(order, "slow")
        services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=staff, at=timezone.now())

        catch_up(after=timedelta(seconds=20))

        payment = Payment.objects.get()
        assert (payment.status, payment.captured_minor, payment.refunded_minor) == ("captured", order.total_minor, 0)
        assert {charge["status"] for charge in charges()} <= {"captured", "voided"}
        assert sum(charge["captured"] - charge["refunded"] for charge in charges()) == 0
        agree()


@pytest.mark.django_db
class TestShowPayment:
    def test_asks_the_provider_when_the_shopper_comes_back(self) -> None:
        order = make_order()
        payment = pay(order, "slow")

        shown = services.show_payment(
            payment_id=payment.pk, viewer=order.customer, token=None, at=timezone.now() + timedelta(seconds=5)
        )

        assert (shown.status, state_of(order)) == ("captured", "paid")
        agree()

    def test_asks_no_more_than_once_a_second(self, monkeypatch: pytest.MonkeyPatch) -> None:
        order = make_order()
        payment, later = pay(order, ""), timezone.now() + timedelta(seconds=5)
        asked: list[str] = []
        fetch = Sandbox.fetch

        def counted(self: Sandbox, **which: str) -> Charge | None:
            asked.append(which["key"])
            return fetch(self, **which)

        monkeypatch.setattr(Sandbox, "fetch", counted)

        for _ in range(3):
            services.show_payment(payment_id=payment.pk, viewer=order.customer, token=None, at=later)

        assert len(asked) == 1

    def test_is_for_the_owner_and_staff(self) -> None:
        order = make_order()
        payment = pay(order)
        staff = make_user(permissions=["orders.view_order"])

        assert services.show_payment(payment_id=payment.pk, viewer=staff, token=None, at=timezone.now()) == payment
        for viewer, token in ((make_user(), None), (None, None), (None, "wrong")):
            with pytest.raises(PaymentNotFound):
                services.show_payment(payment_id=payment.pk, viewer=viewer, token=token, at=timezone.now())


@pytest.mark.django_db
class TestMoveOrder:
    def test_to_paid_is_a_payment_by_hand_with_the_same_sums(self) -> None:
        order, staff = make_order(), make_user(permissions=["orders.view_order", "orders.move_order"])

        for _ in range(2):
            services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=staff, at=timezone.now())

        payment = Payment.objects.get()
        assert (payment.status, payment.attempts.get().provider) == ("captured", "manual")
        assert ledger.balance(account="cash", currency="GBP") == order.total_minor
        assert ledger.balance(account="sales", currency="GBP") == -order.total_minor
        assert ledger.balance(account="deposits", currency="GBP") == 0
        agree()

    def test_by_a_customer_makes_no_payment(self) -> None:
        order = make_order()

        with pytest.raises(Exception, match="cannot do that"):
            services.move_order(order_id=order.pk, to=OrderStatus.PAID, actor=order.customer, at=timezone.now())

        assert not Payment.objects.exists()

    def test_of_several_to_paid_makes_a_payment_each(self) -> None:
        orders, staff = [make_order() for _ in range(3)], make_user(permissions=["orders.move_order"])

        services.move_orders(
            order_ids=[order.pk for order in orders], to=OrderStatus.PAID, actor=staff, at=timezone.now()
        )

        assert {payment.order_id for payment in Payment.objects.all()} == {order.pk for order in orders}
        agree()
