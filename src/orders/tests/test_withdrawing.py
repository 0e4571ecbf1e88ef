"""The withdrawal function: declared, confirmed, acknowledged (Directive 2011/83/EU, Art. 11a)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.errors import TooManyAttempts
from accounts.tests.factories import make_user
from core.errors import Malformed, TooManyRequests
from core.ids import new_id
from core.models import OutboxEvent
from inventory.tests.factories import make_stock
from orders import services
from orders.domain import OrderStatus
from orders.errors import NothingToWithdraw, WithdrawalNotFound
from orders.models import Order, Return, Withdrawal
from orders.services import Asker, Declaration, RefundOrder, WithdrawnItem
from orders.tests.books import books_agree
from orders.tests.factories import make_guest_order, make_order
from orders.tests.gateway import agree, catch_up, pay, state_of
from orders.tests.parcels import fulfil, line_ids
from orders.tests.returned import buyer_of, make_clerk, make_return, make_sent_order, send, settle
from payments.models import Refund

pytestmark = pytest.mark.django_db
NOBODY = Asker(viewer=None)


def declare(order: Order, asker: Asker | None = None, /, **wish: Any) -> Withdrawal | None:
    at = wish.pop("at", None) or timezone.now()
    given = {"order": order.number} | wish
    declared = services.declare_withdrawal(
        wish=Declaration(**given), asker=asker or buyer_of(order), address="203.0.113.7", at=at
    )
    return declared.withdrawal


def declare_as_buyer(order: Order, /, **wish: Any) -> Withdrawal:
    withdrawal = declare(order, **wish)
    assert withdrawal is not None
    return withdrawal


def confirm(withdrawal: Withdrawal, asker: Asker | None = None, **more: Any) -> Withdrawal:
    at = more.pop("at", None) or timezone.now()
    asker = asker or buyer_of(withdrawal.order)
    return services.confirm_withdrawal(withdrawal_id=withdrawal.pk, asker=asker, at=at, **more)


def link_for(withdrawal: Withdrawal) -> str:
    with transaction.atomic():
        return services.make_withdrawal_link(withdrawal_id=withdrawal.pk, at=timezone.now())


def facts(name: str) -> list[dict[str, Any]]:
    return [fact.payload for fact in OutboxEvent.objects.filter(name=f"orders.{name}").order_by("pk")]


class TestDeclareWithdrawal:
    def test_takes_name_and_address_from_the_order_and_changes_nothing_else(self) -> None:
        order = make_sent_order()

        withdrawal = declare_as_buyer(order, statement="I do not like it.")

        assert (withdrawal.status, withdrawal.statement) == ("declared", "I do not like it.")
        assert (withdrawal.name, withdrawal.email) == ("Ada Lovelace", order.email)
        assert state_of(order) == "delivered"
        assert not Return.objects.exists()
        assert facts("withdrawal_confirmed") == []

    def test_takes_a_guest_by_the_orders_token(self) -> None:
        order = make_sent_order(guest=True)

        assert declare_as_buyer(order, order=str(order.pk)).order == order

    def test_s14_tells_nobody_whether_number_and_email_fit(self) -> None:
        order = make_sent_order()
        told = [
            declare(order, asker, name="Eve", **wish)
            for asker in (NOBODY, Asker(viewer=make_user()), Asker(viewer=make_clerk()))
            for wish in (
                {"email": order.email},
                {"email": "eve@example.com"},
                {"email": order.email, "order": "N-000-0000"},
                {"email": order.email, "order": str(new_id())},
            )
        ]

        assert told == [None] * 12
        assert len(facts("withdrawal_declared")) == Withdrawal.objects.count() == 3

    def test_wants_name_and_email_of_whoever_is_not_known(self) -> None:
        order = make_sent_order()

        for wish in ({"name": "Eve"}, {"email": order.email}):
            with pytest.raises(Malformed):
                declare(order, NOBODY, **wish)

        assert not Withdrawal.objects.exists()

    def test_mails_five_links_an_hour_at_most(self) -> None:
        order = make_sent_order()

        for _ in range(7):
            declare(order, NOBODY, name="Ada", email=order.email.upper())

        assert len(facts("withdrawal_declared")) == 5

    def test_s15_counts_guesses_by_address(self) -> None:
        order = make_sent_order()

        for _ in range(20):
            declare(order, NOBODY, name="Eve", email="eve@example.com")
        with pytest.raises(TooManyAttempts):
            declare(order, NOBODY, name="Ada", email=order.email)

        assert not Withdrawal.objects.exists()

    def test_takes_ten_of_a_buyer_within_a_day(self) -> None:
        order = make_sent_order()

        for _ in range(10):
            declare(order)
        with pytest.raises(TooManyRequests):
            declare(order)

        assert Withdrawal.objects.count() == 10

    def test_names_units_by_line_or_sku(self) -> None:
        order = make_sent_order((make_stock(), 3), (make_stock(), 1))
        first, second = order.lines.order_by("position")

        items = [WithdrawnItem(line=first.pk, quantity=2), WithdrawnItem(sku=second.sku, quantity=1)]
        withdrawal = declare_as_buyer(order, items=items)

        assert withdrawal.items == [
            {"line": str(first.pk), "quantity": 2},
            {"line": str(second.pk), "quantity": 1},
        ]

    def test_refuses_units_that_are_not_there(self) -> None:
        order, other = make_sent_order((make_stock(), 3)), make_sent_order()
        line = order.lines.get()
        make_return(order, 2)

        for item in (
            WithdrawnItem(line=line.pk, quantity=2),
            WithdrawnItem(line=other.lines.get().pk, quantity=1),
            WithdrawnItem(sku="NONE", quantity=1),
        ):
            with pytest.raises(NothingToWithdraw) as refusal:
                declare(order, items=[item])
            assert refusal.value.facts == {"left": {str(line.pk): 1}}

        assert not Withdrawal.objects.exists()

    def test_refuses_a_cancelled_order(self) -> None:
        order = make_order()
        services.move_order(order_id=order.pk, to=OrderStatus.CANCELLED, actor=order.customer, at=timezone.now())

        with pytest.raises(NothingToWithdraw):
            declare(order)

        assert declare(order, NOBODY, name="Ada", email=order.email) is None
        assert not Withdrawal.objects.exists()

    def test_is_the_same_for_the_same_request(self) -> None:
        order = make_sent_order()

        assert declare(order, request_key="k") == declare(order, request_key="k")
        assert Withdrawal.objects.count() == 1


class TestConfirmWithdrawal:
    def test_opens_an_approved_return_of_what_was_sent(self) -> None:
        order = make_sent_order((make_stock(), 2), (make_stock(), 1))
        withdrawal = declare_as_buyer(order, statement="Too loud.")

        confirmed = confirm(withdrawal)

        back = Return.objects.get()
        assert (confirmed.status, confirmed.back, confirmed.is_late) == ("confirmed", back, False)
        assert (back.status, back.wanted, back.note) == ("approved", "refund", "Too loud.")
        assert sorted(back.lines.values_list("quantity", "reason")) == [(1, "withdrawal"), (2, "withdrawal")]
        assert facts("withdrawal_confirmed") == [
            {
                "order_id": str(order.pk),
                "withdrawal_id": str(withdrawal.pk),
                "shipped_units": 3,
                "open_units": 0,
            }
        ]
        books_agree()

    def test_pays_delivery_back_with_the_goods(self) -> None:
        order = make_sent_order((make_stock(price_minor=1000), 2))
        Order.objects.filter(pk=order.pk).update(shipping_minor=395, subtotal_minor=1605)
        withdrawal = confirm(declare_as_buyer(order))
        assert withdrawal.back is not None
        services.receive_return(return_id=withdrawal.back.pk, at=timezone.now())

        settled = settle(withdrawal.back)

        assert (settled.worth_minor, settled.delivery_minor) == (1605, 395)
        assert Refund.objects.get().amount_minor == order.total_minor

    def test_keeps_delivery_where_something_stays(self) -> None:
        order = make_sent_order((make_stock(price_minor=1000), 2))
        Order.objects.filter(pk=order.pk).update(shipping_minor=395, subtotal_minor=1605)
        item = WithdrawnItem(line=order.lines.get().pk, quantity=1)
        withdrawal = confirm(declare_as_buyer(order, items=[item]))
        assert withdrawal.back is not None
        services.receive_return(return_id=withdrawal.back.pk, at=timezone.now())

        assert settle(withdrawal.back).delivery_minor == 0

    def test_cancels_a_paid_order_that_was_not_sent_and_its_money_goes_back(self) -> None:
        stock = make_stock(on_hand=5)
        order = make_order((stock, 2))
        pay(order)

        confirm(declare_as_buyer(order))
        catch_up(after=timedelta(minutes=2))

        stock.refresh_from_db()
        assert state_of(order) == "cancelled"
        assert (stock.reserved, order.moves.order_by("-pk")[0].by) == (0, "customer")
        assert [(row.amount_minor, row.status) for row in Refund.objects.all()] == [(order.total_minor, "succeeded")]
        assert not Return.objects.exists()
        agree()

    def test_cancels_an_order_that_was_not_paid(self) -> None:
        order = make_guest_order()

        confirm(declare_as_buyer(order))

        assert state_of(order) == "cancelled"
        books_agree()

    def test_cancels_the_rest_of_a_partly_sent_order_and_returns_what_was_sent(self) -> None:
        stock = make_stock(on_hand=9, price_minor=1000)
        order = make_order((stock, 3))
        pay(order)
        line = order.lines.get()
        services.fulfil_order(
            order_id=order.pk, wish=services.FulfilmentWish(items={line.pk: 1}), actor=make_clerk(), at=timezone.now()
        )

        confirm(declare_as_buyer(order))
        catch_up(after=timedelta(minutes=2))

        line.refresh_from_db()
        stock.refresh_from_db()
        assert (line.shipped, line.cancelled, line.returning, stock.reserved) == (1, 2, 1, 0)
        assert [(row.amount_minor, row.status) for row in Refund.objects.all()] == [(2000, "succeeded")]
        assert Return.objects.get().status == "approved"
        agree()

    @pytest.mark.parametrize("amount", [None, Decimal(15)])
    def test_is_not_refused_for_what_was_paid_back_before(self, amount: Decimal | None) -> None:
        order = make_order((make_stock(on_hand=9, price_minor=1000), 2))
        pay(order)
        clerk = make_clerk()
        fulfil(order, {line_ids(order)[0]: 1})
        services.refund_order(order_id=order.pk, wish=RefundOrder(amount=amount), actor=clerk, at=timezone.now())
        paid_back = [refund.amount_minor for refund in Refund.objects.all()]
        withdrawal = declare(order)
        assert withdrawal is not None

        confirmed = confirm(withdrawal)

        assert (confirmed.status, state_of(order)) == ("confirmed", "shipped")
        assert Return.objects.get().lines.get().quantity == 1
        assert [refund.amount_minor for refund in Refund.objects.all()] == paid_back
        agree()

    def test_leaves_a_part_of_an_unpaid_order_to_staff(self) -> None:
        order = make_order((make_stock(), 3))
        item = WithdrawnItem(line=order.lines.get().pk, quantity=1)

        confirm(declare_as_buyer(order, items=[item]))

        assert state_of(order) == "pending"
        assert order.lines.get().cancelled == 0
        assert facts("withdrawal_confirmed")[0]["open_units"] == 1

    def test_does_all_of_it_once(self) -> None:
        order = make_sent_order()
        withdrawal = declare_as_buyer(order)

        for _ in range(2):
            confirm(withdrawal)

        assert Return.objects.count() == 1
        assert len(facts("withdrawal_confirmed")) == 1

    def test_takes_the_mailed_link_from_whoever_has_it(self) -> None:
        order = make_sent_order()
        declare(order, NOBODY, name="Ada", email=order.email)
        withdrawal = Withdrawal.objects.get()

        assert confirm(withdrawal, NOBODY, link=link_for(withdrawal)).status == "confirmed"
        assert Return.objects.count() == 1

    def test_refuses_a_link_that_is_wrong_or_was_never_mailed_or_is_too_old(self) -> None:
        order = make_sent_order()
        withdrawal, other = declare_as_buyer(order), declare_as_buyer(order)
        never = confirm_by(withdrawal, "x")
        link, others = link_for(withdrawal), link_for(other)

        outcomes = [never, confirm_by(withdrawal, others), confirm_by(withdrawal, ""), confirm_by(withdrawal, "\ud800")]
        outcomes.append(confirm_by(withdrawal, link, at=timezone.now() + timedelta(days=15)))

        assert outcomes == ["refused"] * 5
        assert not Return.objects.exists()

    def test_s01_finds_no_withdrawal_of_others(self) -> None:
        withdrawal = declare_as_buyer(make_sent_order())

        for asker in (NOBODY, Asker(viewer=make_user()), Asker(viewer=make_clerk()), Asker(viewer=None, token="x")):
            with pytest.raises(WithdrawalNotFound):
                confirm(withdrawal, asker)

        withdrawal.refresh_from_db()
        assert withdrawal.status == "declared"
        assert not Return.objects.exists()

    def test_leaves_what_comes_too_late_to_staff(self) -> None:
        order = make_sent_order(at=timezone.now() - timedelta(days=18))

        confirmed = confirm(declare_as_buyer(order))

        assert confirmed.is_late
        assert Return.objects.get().status == "requested"

    def test_counts_the_day_of_the_declaration(self) -> None:
        order = send(make_order(), at=datetime(2026, 6, 22, 9, tzinfo=UTC))
        withdrawal = declare_as_buyer(order, at=datetime(2026, 7, 6, 20, tzinfo=UTC))

        assert not confirm(withdrawal, at=datetime(2026, 7, 9, 9, tzinfo=UTC)).is_late

    def test_takes_what_is_left_where_some_came_back_meanwhile(self) -> None:
        order = make_sent_order((make_stock(), 3))
        withdrawal = declare_as_buyer(order)
        make_return(order, 2)

        confirm(withdrawal)

        assert Return.objects.get(withdrawal=withdrawal).lines.get().quantity == 1
        assert order.lines.get().returning == 3


def confirm_by(withdrawal: Withdrawal, link: str, **more: Any) -> str:
    try:
        return confirm(withdrawal, NOBODY, link=link, **more).status
    except WithdrawalNotFound:
        return "refused"
