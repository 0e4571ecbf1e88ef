from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction

from accounts import services as accounts
from accounts.tests.factories import make_user
from core import outbox
from core.ids import new_id
from core.models import Delivery, OutboxEvent
from inventory.tests.factories import make_stock
from notifications import handlers
from notifications.domain import Channel, Kind
from notifications.models import Mail, Notification
from notifications.services import announcing
from notifications.tests.factories import NOON, make_mail, make_notification, make_preference
from orders import selectors as order_reads
from orders import services as orders
from orders.domain import OrderStatus
from orders.models import Order
from orders.tests.factories import make_guest_order, make_order
from products.events import ProductCreated
from products.tests.factories import make_product

pytestmark = pytest.mark.django_db


def run(handler: Callable[..., None], *, delivery_id: str = "d1", **payload: Any) -> None:
    with transaction.atomic():
        handler(delivery_id=delivery_id, added_later=True, **payload)


def link_in(mail: Mail) -> str:
    found = re.search(r"https?://\S+\?\S+", mail.text)
    assert found is not None
    return found.group()


def test_every_subscription_of_ours_is_there() -> None:
    named = {
        name.rpartition(".")[2]
        for group in django_settings.EVENT_SUBSCRIPTIONS.values()
        for name in group
        if "notifications." in name
    }

    assert {name for name in named if not callable(getattr(handlers, name, None))} == set()


class TestAlertStaffOfPayment:
    @pytest.mark.parametrize(
        ("what", "words"),
        [
            ("late_charge_kept", "reserved again"),
            ("late_charge_returned", "goes back by itself"),
            ("second_charge_returned", "although it was paid"),
            ("part_captured", "less than its total"),
            ("refund_failed", "could not be given back"),
            ("charged_back", "charged back"),
            ("charge_mismatch", "another sum or currency"),
        ],
    )
    def test_tells_who_watches_payments_in_the_app_alone(self, what: str, words: str) -> None:
        watcher, order = make_user(permissions=["payments.receive_payment_alerts"]), make_order()
        make_user(permissions=["orders.view_order"])

        run(handlers.alert_staff_of_payment, order_id=str(order.pk), what=what, amount_minor=1250, currency="GBP")

        note = Notification.objects.get()
        assert (note.user_id, note.kind, note.title) == (
            watcher.pk,
            "staff_payment",
            f"Payment of order {order.number}",
        )
        assert "£12.50" in note.body
        assert words in note.body
        assert not Mail.objects.exists()


class TestWelcomeCustomer:
    def test_welcomes_by_mail_and_in_the_app(self) -> None:
        user = make_user(email="ada@example.com")
        user.profile.first_name = "<b>Ada</b>"
        user.profile.save()

        run(handlers.welcome_customer, user_id=str(user.pk))

        mail = Mail.objects.get()
        assert (mail.kind, mail.to) == ("welcome", "ada@example.com")
        assert "Hello <b>Ada</b>" in mail.text
        assert "Hello &lt;b&gt;Ada&lt;/b&gt;" in mail.html
        assert Notification.objects.get().kind == "welcome"

    @pytest.mark.parametrize(
        "handler",
        [
            handlers.welcome_customer,
            handlers.send_verification,
            handlers.send_password_reset,
            handlers.confirm_password_change,
        ],
    )
    def test_tells_nobody_where_the_account_is_gone_or_closed(self, handler: Callable[..., None]) -> None:
        for user_id in (new_id(), make_user(is_active=False).pk):
            run(handler, user_id=str(user_id))

        assert not Mail.objects.exists()
        assert not Notification.objects.exists()


class TestAlertStaffOfRegistration:
    def test_tells_staff_with_the_permission_in_the_app_only(self) -> None:
        watcher = make_user(permissions=["accounts.receive_registration_alerts"])
        make_user(is_staff=True)
        someone = make_user(email="secret@example.com")

        run(handlers.alert_staff_of_registration, user_id=str(someone.pk))

        note = Notification.objects.get()
        assert (note.user, note.kind, note.data) == (watcher, "staff_registration", {"user_id": str(someone.pk)})
        assert "secret@example.com" not in note.title + note.body
        assert not Mail.objects.exists()


class TestSendVerification:
    def test_mails_a_link_with_a_token_that_verifies(self) -> None:
        user = make_user()

        run(handlers.send_verification, user_id=str(user.pk))

        address, _, token = link_in(Mail.objects.get()).partition("?token=")
        assert address == f"{django_settings.STOREFRONT_URL}/verify-email"
        assert len(token) >= 32
        assert token in Mail.objects.get().html
        assert not Notification.objects.exists()

    def test_sends_none_once_the_address_is_verified(self) -> None:
        user = make_user(email_verified_at=NOON)

        run(handlers.send_verification, user_id=str(user.pk))

        assert not Mail.objects.exists()


class TestSendPasswordReset:
    def test_mails_a_link_with_a_token_and_keeps_it_sealed(self) -> None:
        user = make_user()

        run(handlers.send_password_reset, user_id=str(user.pk))

        mail = Mail.objects.get()
        token = link_in(mail).partition("?token=")[2]
        with transaction.get_connection().cursor() as cursor:
            cursor.execute("SELECT m::text FROM notifications_mail m")
            stored = cursor.fetchone()[0]
        assert mail.unsubscribe_url == ""
        assert token not in stored
        assert mail.to not in stored

    def test_s17_leads_to_the_shop_whatever_host_was_asked(self, settings: Any) -> None:
        settings.STOREFRONT_URL = "https://shop.example/"

        run(handlers.send_password_reset, user_id=str(make_user().pk))

        assert link_in(Mail.objects.get()).startswith("https://shop.example/reset-password?token=")


class TestConfirmPasswordChange:
    def test_tells_by_mail_and_in_the_app_whatever_is_preferred(self) -> None:
        user = make_user()
        for channel in Channel:
            make_preference(user, Kind.PASSWORD_CHANGED, channel, is_wanted=False)

        run(handlers.confirm_password_change, user_id=str(user.pk))

        assert Mail.objects.get().kind == Notification.objects.get().kind == "password_changed"


class TestForgetUser:
    def test_removes_what_was_told(self) -> None:
        user = make_user()
        make_notification(user)
        make_mail(user=user)

        run(handlers.forget_user, user_id=str(user.pk))

        assert not Mail.objects.exists()
        assert not Notification.objects.exists()


class TestCatalogueAlerts:
    @pytest.mark.parametrize(
        ("handler", "kind"),
        [
            (handlers.alert_staff_of_new_product, "staff_product_created"),
            (handlers.alert_staff_of_deleted_product, "staff_product_deleted"),
        ],
    )
    def test_tell_staff_by_mail_and_in_the_app(self, handler: Callable[..., None], kind: str) -> None:
        watcher = make_user(permissions=["products.receive_catalogue_alerts"])
        make_user(is_staff=True)
        product = make_product("Chair <i>&</i>\nBcc: x")
        product.hide(at=NOON)

        run(handler, product_id=str(product.pk))

        note, mail = Notification.objects.get(), Mail.objects.get()
        assert (note.user, mail.user, note.kind, mail.kind) == (watcher, watcher, kind, kind)
        assert "<i>" not in mail.html
        assert "\n" not in mail.subject
        assert note.data["product_id"] == str(product.pk)


class TestAnnounceNewProduct:
    def test_tells_customers_who_asked(self) -> None:
        asked = make_user()
        make_user()
        for channel in Channel:
            make_preference(asked, Kind.NEW_PRODUCT, channel, is_wanted=True)
        product = make_product("Chair")

        run(handlers.announce_new_product, product_id=str(product.pk))

        assert Notification.objects.get().user == asked
        assert Mail.objects.get().user == asked
        assert f"/products/{product.slug}" in Mail.objects.get().html

    def test_tells_many_part_by_part(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(announcing, "_PART", 2)
        for _ in range(5):
            make_preference(make_user(), Kind.NEW_PRODUCT, Channel.EMAIL, is_wanted=True)
        product = make_product("Chair")

        run(handlers.announce_new_product, product_id=str(product.pk))
        assert Mail.objects.count() == 2
        outbox.drain()

        assert Mail.objects.values("user").distinct().count() == Mail.objects.count() == 5
        assert Mail.objects.values("source").distinct().count() == 1
        told = OutboxEvent.objects.filter(name="notifications.announcement_part_told")
        assert sorted(event.payload["told"] for event in told) == [2, 4]

    @pytest.mark.parametrize("fields", [{"is_active": False}, {"deleted_at": NOON}])
    def test_says_nothing_of_what_is_not_on_show(self, fields: dict[str, Any]) -> None:
        make_preference(make_user(), Kind.NEW_PRODUCT, Channel.EMAIL, is_wanted=True)
        product = make_product("Chair", **fields)

        run(handlers.announce_new_product, product_id=str(product.pk))

        assert not Mail.objects.exists()


class TestConfirmOrder:
    def test_confirms_to_the_customer_and_alerts_staff_in_the_app(self) -> None:
        watcher = make_user(permissions=["orders.receive_order_alerts"])
        order = make_order((make_stock(), 2))

        run(handlers.confirm_order, order_id=str(order.pk))

        mail = Mail.objects.get()
        notes = dict(Notification.objects.values_list("user_id", "kind"))
        assert notes == {order.customer_id: "order_placed", watcher.pk: "staff_new_order"}
        assert (mail.user_id, mail.kind) == (order.customer_id, "order_placed")
        assert order.number in mail.subject
        assert "2 x " in mail.text
        assert f"Total: £{order.total_minor / 100:,.2f}" in mail.text
        assert f"/orders/{order.pk}?number={order.number}" in mail.text
        assert "token" not in mail.text

    def test_tells_a_customer_who_is_staff_of_both(self) -> None:
        buyer = make_user(permissions=["orders.receive_order_alerts"])
        order = make_order(customer=buyer)

        run(handlers.confirm_order, order_id=str(order.pk))

        assert set(Notification.objects.values_list("kind", flat=True)) == {"order_placed", "staff_new_order"}

    def test_mails_a_guest_a_link_that_opens_the_order(self) -> None:
        order = make_guest_order(email="guest@example.com")

        run(handlers.confirm_order, order_id=str(order.pk))

        mail = Mail.objects.get()
        assert (mail.to, mail.user) == ("guest@example.com", None)
        assert f"/orders/{order.pk}?number={order.number}#token={order.guest_token}" in mail.text
        assert not Notification.objects.exists()

    def test_a24_shows_a_products_name_as_text(self) -> None:
        order = make_order()
        order.lines.update(name="<script>alert(1)</script>")

        run(handlers.confirm_order, order_id=str(order.pk))

        mail = Mail.objects.get()
        assert "<script" not in mail.html
        assert "<script>alert(1)</script>" in mail.text

    @pytest.mark.parametrize("lines", [1, 6])
    def test_costs_the_same_for_any_number_of_lines(self, lines: int, django_assert_num_queries: Any) -> None:
        order = make_order(*((make_stock(), 1) for _ in range(lines)))

        with transaction.atomic(), django_assert_num_queries(7):
            # The order with lines and fulfilments, its customer, both rows, staff (none).
            handlers.confirm_order(delivery_id="d1", order_id=str(order.pk))

    @pytest.mark.parametrize("count", [1, 5])
    def test_costs_the_same_for_any_number_of_orders(self, count: int, django_assert_num_queries: Any) -> None:
        orders = [make_guest_order(email=f"guest{n}@example.com") for n in range(count)]
        orders += [make_order() for _ in range(count)]
        make_user(is_staff=True, permissions=["orders.receive_order_alerts"])

        with transaction.atomic(), django_assert_num_queries(8):
            # As above, and what staff prefer.
            handlers.confirm_orders(facts=[self.fact(order) for order in orders])

        assert {mail.subject for mail in Mail.objects.all()} == {f"We have your order {o.number}" for o in orders}
        assert Notification.objects.filter(kind=Kind.STAFF_NEW_ORDER.value).count() == 2 * count

    def test_of_several_each_buyer_gets_their_own(self) -> None:
        first, second = make_guest_order(email="ada@example.com"), make_guest_order(email="bob@example.com")
        drafted = make_guest_order(email="eve@example.com")

        with transaction.atomic():
            handlers.confirm_orders(
                facts=[self.fact(first), self.fact(second), self.fact(drafted) | {"is_drafted": True}]
            )

        told = {mail.to: mail for mail in Mail.objects.all()}
        assert set(told) == {"ada@example.com", "bob@example.com"}
        assert first.number in told["ada@example.com"].text
        assert second.number not in told["ada@example.com"].text
        assert told["bob@example.com"].source == f"delivery of {second.pk}"

    def fact(self, order: Order) -> dict[str, Any]:
        return {"delivery_id": f"delivery of {order.pk}", "order_id": str(order.pk)}


class TestReportOrderMove:
    def move(self, order: Order, to: OrderStatus, **how: Any) -> None:
        staff = make_user(permissions=["orders.view_order", "orders.move_order"])
        orders.move_order(order_id=order.pk, to=to, actor=staff, at=NOON, **how)
        move = order_reads.get_order(order_id=order.pk, viewer=staff).moves.order_by("-id")[0]
        run(
            handlers.report_order_move,
            delivery_id=new_id().hex,
            order_id=str(order.pk),
            move_id=move.pk,
            from_status="",
            to_status=to.value,
        )

    def test_tells_of_each_step_with_tracking_once_it_is_shipped(self) -> None:
        order = make_order()

        self.move(order, OrderStatus.PAID)
        self.move(order, OrderStatus.SHIPPED, carrier="Royal <b>Mail", tracking_number="AB1")

        titles = list(Notification.objects.order_by("pk").values_list("title", flat=True))
        shipped = Mail.objects.order_by("pk").last()
        assert titles == [f"Order {order.number} is paid", f"Order {order.number} is on its way"]
        assert shipped is not None
        assert "Carrier: Royal <b>Mail. Tracking number: AB1." in shipped.text
        assert "Royal &lt;b&gt;Mail" in shipped.html

    def test_tells_a_guest_why_the_order_was_cancelled(self) -> None:
        order = make_guest_order(email="guest@example.com")

        self.move(order, OrderStatus.CANCELLED, reason="Out of print")

        mail = Mail.objects.get()
        assert mail.to == "guest@example.com"
        assert "Reason: Out of print" in mail.text


class TestThroughTheOutbox:
    def test_a_delivery_that_comes_twice_tells_once(self) -> None:
        make_user(permissions=["products.receive_catalogue_alerts"])
        product = make_product("Chair")
        with transaction.atomic():
            outbox.publish(ProductCreated(product_id=product.pk), at=NOON)
        outbox.drain(now=NOON)

        Delivery.objects.update(done_at=None, due_at=NOON)
        outbox.drain(now=NOON)

        assert not Delivery.objects.exclude(last_error="").exists()
        assert Notification.objects.count() == 1
        assert Mail.objects.count() == 1

    def test_registering_leads_to_a_welcome(self) -> None:
        accounts.register(email="new@example.com", password="correct horse battery", at=NOON)

        outbox.drain()

        assert not Delivery.objects.exclude(last_error="").exists()
        assert {"welcome"} <= set(Mail.objects.values_list("kind", flat=True))
        assert Notification.objects.get().kind == "welcome"
