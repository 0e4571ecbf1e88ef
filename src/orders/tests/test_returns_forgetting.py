"""What stays of returns and withdrawals when a person goes."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction
from django.test import TestCase
from django.utils import timezone

from accounts import selectors as account_reads
from accounts import services as accounts
from accounts.models import User
from accounts.tests.factories import PASSWORD, make_user
from carts.tests.factories import make_cart
from core import outbox
from core.media import private_files
from inventory.tests.factories import NOON, make_stock
from orders import services, tasks
from orders.models import Order, Return, ReturnPicture, Withdrawal
from orders.services import forgetting
from orders.tests.factories import ADDRESS, make_order
from orders.tests.returned import make_picture, make_return, make_sent_order, make_withdrawal


@pytest.mark.django_db
class TestScrubCustomer:
    def test_removes_words_names_and_pictures_and_keeps_the_rows(self) -> None:
        order, other = make_sent_order(), make_sent_order()
        back, withdrawal = make_return(order), make_withdrawal(other)
        mine = make_withdrawal(make_sent_order(customer=order.customer))
        Return.objects.filter(pk=back.pk).update(note="Call Ada on 020.")
        name = str(make_picture(back).file.name)

        with TestCase.captureOnCommitCallbacks(execute=True), transaction.atomic():
            assert order.customer is not None
            services.scrub_customer(user_id=order.customer.pk)

        back.refresh_from_db()
        mine.refresh_from_db()
        withdrawal.refresh_from_db()
        assert (back.note, mine.name, mine.email, mine.statement) == ("", "", "", "")
        assert not ReturnPicture.objects.exists()
        assert not private_files().exists(name)
        assert withdrawal.name == "Ada Lovelace"
        assert Withdrawal.objects.count() == 2


@pytest.mark.django_db
class TestScrubErased:
    def test_s51_scrubs_what_was_placed_while_its_customer_was_erased(self) -> None:
        # As a request knows them that was let in before.
        customer = make_user("zaphod@example.com")
        make_cart((make_stock(), 1), owner=customer)
        accounts.delete_account(user=make_copy(customer), password=PASSWORD, address="192.0.2.1", at=timezone.now())
        outbox.drain()
        wish = services.PlaceOrder(shipping_address=ADDRESS)
        order = services.place_order(customer=customer, cart_token=None, wish=wish, placed_at=NOON)
        assert order.email == "zaphod@example.com"

        tasks.scrub_erased()

        order.refresh_from_db()
        assert (order.email, order.email_key) == ("", "")
        assert order.shipping_address is not None
        assert (order.shipping_address["name"], order.shipping_address["country"]) == ("", "GB")

    def test_one_that_fails_holds_up_no_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        orders = make_order(), make_order()
        User.objects.filter(pk__in=[order.customer_id for order in orders]).update(deleted_at=timezone.now())
        first, _ = account_reads.erased_since(at=NOON)
        scrub = forgetting.scrub_customer

        def scrub_some(*, user_id: UUID) -> None:
            if user_id == first[0]:
                raise RuntimeError("not this one")
            scrub(user_id=user_id)

        monkeypatch.setattr(forgetting, "scrub_customer", scrub_some)
        tasks.scrub_erased()

        left = {order.customer_id: Order.objects.get(pk=order.pk).email for order in orders}
        assert [user_id for user_id, email in left.items() if email] == [first[0]]

    def test_leaves_alone_who_was_erased_long_ago_and_who_was_not(self) -> None:
        gone, stays = make_order(), make_order()
        User.objects.filter(pk=str(gone.customer_id)).update(deleted_at=timezone.now() - timedelta(hours=3))

        tasks.scrub_erased()

        for order in (gone, stays):
            order.refresh_from_db()
            assert order.email


def make_copy(user: User) -> User:
    """Return the same account as another request knows it."""
    return User.objects.get(pk=user.pk)
