"""What buyers and staff are told of returns and withdrawals, from the fact to the mail."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.tests.factories import make_user
from core import outbox
from core.models import OutboxEvent
from inventory.tests.factories import make_stock
from notifications.models import Mail, Notification
from orders import services as orders
from orders.domain import Resolution
from orders.models import Order, Return, Withdrawal
from orders.services import Asker, Declaration
from orders.tests.returned import (
    buyer_of,
    make_approved_return,
    make_received_return,
    make_return,
    make_sent_order,
    make_withdrawal,
    settle,
)

pytestmark = pytest.mark.django_db


def mails(kind: str) -> list[Mail]:
    outbox.drain()
    return list(Mail.objects.filter(kind=kind).order_by("pk"))


def confirm(withdrawal: Withdrawal, order: Order, link: str = "") -> None:
    asker = Asker(viewer=None) if link else buyer_of(order)
    orders.confirm_withdrawal(withdrawal_id=withdrawal.pk, asker=asker, link=link, at=timezone.now())


class TestReportReturnMove:
    def test_tells_the_buyer_of_each_step(self) -> None:
        order = make_sent_order()
        back = make_return(order)
        orders.approve_return(return_id=back.pk, answer="To 1 Dock Road, <Hull>.", at=timezone.now())
        orders.receive_return(return_id=back.pk, at=timezone.now())
        settle(back)

        told = mails("return_moved")

        assert [mail.subject.split(":")[0] for mail in told] == [
            "We have your request",
            "You may send it back",
            "It has arrived",
            "Your return is settled",
        ]
        assert {mail.to for mail in told} == {order.email}
        assert "To 1 Dock Road, <Hull>." in told[1].text
        assert "&lt;Hull&gt;" in told[1].html
        assert "£10.00 go back to you" in told[3].text
        assert Notification.objects.filter(user=order.customer, kind="return_moved").count() == 4

    def test_tells_a_guest_with_a_link_that_opens_the_order(self) -> None:
        order = make_sent_order(guest=True)
        make_return(order)

        told = mails("return_moved")

        assert told[0].to == order.email
        assert f"#token={order.guest_token}" in told[0].text

    def test_says_why_not(self) -> None:
        back = make_return(make_sent_order())
        orders.reject_return(return_id=back.pk, answer="It was worn.", at=timezone.now())

        assert "It was worn." in mails("return_moved")[1].text


class TestAlertStaffOfReturn:
    def test_tells_who_handles_returns_of_one_that_waits(self) -> None:
        handler = make_user(permissions=["orders.handle_return"])
        other = make_user(permissions=["orders.view_return"])
        make_approved_return(make_sent_order())
        outbox.drain()

        assert Notification.objects.filter(user=handler, kind="staff_return").count() == 1
        assert not Notification.objects.filter(user=other, kind="staff_return").exists()


class TestSendWithdrawalLink:
    def test_mails_a_link_that_confirms_to_the_orders_own_address(self) -> None:
        order = make_sent_order()
        wish = Declaration(order=order.number, name="Ada", email=order.email.upper(), statement="Buy <b>pills</b>")
        orders.declare_withdrawal(wish=wish, asker=Asker(viewer=None), address="203.0.113.7", at=timezone.now())

        told = mails("withdrawal_declared")

        withdrawal = Withdrawal.objects.get()
        token = re.search(rf"withdrawals/{withdrawal.pk}\S*#token=(\S+)", told[0].text)
        assert [mail.to for mail in told] == [order.email]
        assert "pills" not in told[0].text
        assert token is not None
        assert token[1] not in str(list(OutboxEvent.objects.values_list("payload", flat=True)))
        confirm(withdrawal, order, link=token[1])
        assert Return.objects.filter(withdrawal=withdrawal).exists()

    def test_is_no_good_before_it_is_mailed_nor_two_weeks_later(self) -> None:
        order = make_sent_order()
        wish = Declaration(order=order.number, name="Ada", email=order.email)
        orders.declare_withdrawal(wish=wish, asker=Asker(viewer=None), address="203.0.113.7", at=timezone.now())
        mails("withdrawal_declared")

        withdrawal = Withdrawal.objects.get()

        assert withdrawal.token_expires_at is not None
        assert withdrawal.token_expires_at - withdrawal.declared_at > timedelta(days=13)
        assert not Return.objects.exists()


class TestAcknowledgeWithdrawal:
    def test_repeats_its_content_and_time_on_a_durable_medium(self) -> None:
        order = make_sent_order()
        wish = Declaration(
            order=order.number, name="Ada Byron", email="byron@example.com", statement="It is <i>too</i> loud."
        )
        declared = orders.declare_withdrawal(wish=wish, asker=buyer_of(order), address="203.0.113.7", at=timezone.now())
        assert declared.withdrawal is not None
        confirm(declared.withdrawal, order)

        told = mails("withdrawal_confirmed")

        line = order.lines.get()
        confirmed = Withdrawal.objects.get().confirmed_at
        assert confirmed is not None
        assert [mail.to for mail in told] == ["byron@example.com"]
        for part in (
            order.number,
            "Ada Byron",
            "byron@example.com",
            "It is <i>too</i> loud.",
            f"1 x {line.name} ({line.sku})",
            f"Confirmed: {confirmed:%d %B %Y, %H:%M:%S} UTC",
        ):
            assert part in told[0].text
        assert "&lt;i&gt;too&lt;/i&gt;" in told[0].html
        assert not Notification.objects.filter(kind="withdrawal_confirmed").exists()

    def test_tells_a_customer_in_the_app_too(self) -> None:
        order = make_sent_order()
        confirm(make_withdrawal(order), order)

        told = mails("withdrawal_confirmed")

        assert [mail.to for mail in told] == [order.email]
        assert Notification.objects.filter(user=order.customer, kind="withdrawal_confirmed").count() == 1

    def test_promises_nothing_of_what_came_too_late(self) -> None:
        order = make_sent_order(at=timezone.now() - timedelta(days=20))
        confirm(make_withdrawal(order), order)

        text = mails("withdrawal_confirmed")[0].text

        assert "after the withdrawal period" in text
        assert "goes back to you" not in text


class TestAlertStaffOfWithdrawal:
    def test_tells_who_handles_returns(self) -> None:
        handler = make_user(permissions=["orders.handle_return"])
        order = make_sent_order()
        confirm(make_withdrawal(order), order)
        outbox.drain()

        alert = Notification.objects.get(user=handler, kind="staff_return")
        assert "within 14 days" in alert.body


def test_a_settled_exchange_names_the_new_order() -> None:
    order = make_sent_order()
    settled = settle(make_received_return(order), resolution=Resolution.EXCHANGE)

    text = mails("return_moved")[-1].text

    assert settled.exchange_order is not None
    assert settled.exchange_order.number in text


def test_a_settled_exchange_for_less_names_what_paid_it_and_what_goes_back() -> None:
    order, cheaper = make_sent_order((make_stock(price_minor=5000), 1)), make_stock(price_minor=3000)
    back = make_received_return(order, wanted=Resolution.EXCHANGE, wanted_variant=cheaper.variant_id)
    settled = settle(back)

    text = " ".join(mails("return_moved")[-1].text.split())

    assert settled.exchange_order is not None
    assert f"{settled.exchange_order.number}; £30.00 of it are paid with what you sent back." in text
    assert "£20.00 go back to you in the way you paid." in text
