"""A person who is erased is in no table any more, whatever they did; what the law wants stays, and the books agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.utils import timezone
from pytest_django import Settings

from accounts import services
from accounts.domain import AddressData
from accounts.errors import AboveYourRole, OwnAccess
from accounts.models import User
from accounts.tests.factories import (
    PASSWORD,
    client_of,
    make_address,
    make_second_factor,
    make_session,
    make_user,
)
from carts.tests.factories import make_cart
from core import outbox
from core.models import Delivery
from inventory.tests.factories import NOON, make_stock
from notifications.tests.factories import make_mail, make_notification
from orders.models import Invoice, Return
from orders.tests.books import books_agree
from orders.tests.drafting import item, make_draft
from orders.tests.factories import place
from orders.tests.returned import make_picture, make_return, make_withdrawal, send
from orders.tests.sellers import issue, make_seller, pay
from payments.tests.factories import make_saved_method, make_store_credit
from tests.journeys.back_office import browser_of, url_of

EMAIL = "zaphod.unmistakable@example.com"
WORDS = ("unmistakable", "beeblebrox", "+442079460042", "42 heart of gold", "zz9 9zz")
ADDRESS = AddressData(
    name="Zaphod Beeblebrox", line1="42 Heart of Gold", city="Betelgeuse", postal_code="ZZ9 9ZZ", country="GB",
    phone="+442079460042",
)  # fmt: skip
# Sent to the buyer as they are, and kept as long as the law says: Directive 2006/112/EC, Art. 244.
KEPT_BY_LAW = {"orders.InvoiceParties"}


def found(words: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Return model and field of every value, opened where it is sealed, that holds one of the words: of all tables."""
    for model in apps.get_models():
        if ".tests." in model.__module__:  # a table that only the tests of an app make
            continue
        names = [field.attname for field in model._meta.concrete_fields]
        for row in model._base_manager.all():
            for name in names:
                value = getattr(row, name)
                text = bytes(value).decode("utf-8", "replace") if isinstance(value, memoryview) else str(value)
                if any(word in text.lower() for word in words):
                    yield model._meta.label, name


def tell_everybody() -> None:
    """Run every handler that is owed, until none is."""
    outbox.drain()
    assert list(Delivery.objects.filter(done_at__isnull=True).values_list("handler", "last_error")) == []


@pytest.fixture
def person(transactional_db: None, settings: Settings, tmp_path: Path) -> Any:
    """Someone who did all that leaves a trace."""
    settings.MEDIA_ROOT = tmp_path
    user = make_user(EMAIL)
    name = {"first_name": "Zaphod", "last_name": "Beeblebrox", "display_name": "Beeblebrox"}
    services.update_profile(user=user, changes={**name, "phone": ADDRESS.phone})
    make_address(user, line1=ADDRESS.line1, name=ADDRESS.name)
    make_session(user, client="Beeblebrox/1.0 (Heart of Gold)")
    make_second_factor(user)
    stock = make_stock(on_hand=50)
    make_seller()
    wish = {"shipping_address": ADDRESS, "billing_address": ADDRESS, "note": "For Beeblebrox"}
    orders = [place(make_cart((stock, 4), owner=user), **wish) for _ in range(3)]
    issue(pay(orders[0]))
    sent = send(orders[1])
    back = make_return(sent)
    Return.objects.filter(pk=back.pk).update(note="Beeblebrox is not content")
    make_picture(back)
    make_withdrawal(sent)
    make_cart((stock, 1), owner=user)
    make_draft(item(stock), customer=user.pk, note="Beeblebrox rang")
    make_saved_method(user)
    make_store_credit(user)
    make_notification(user, title="Dear Beeblebrox")
    make_mail(user=user, to=EMAIL, subject="Dear Beeblebrox")
    client_of(user).post(
        "/api/v1/me/addresses", {**ADDRESS.as_dict(), "phone": ADDRESS.phone}, format="json", HTTP_IDEMPOTENCY_KEY="k"
    )
    tell_everybody()
    return user


class TestErasing:
    def test_s51_leaves_no_name_in_the_history_of_the_back_office(self, person: Any) -> None:
        boss = browser_of(make_user(is_superuser=True))
        boss.post(url_of(User, "sign_out", person.pk), {"_confirmed": "yes"})
        noted = LogEntry.objects.get()
        assert (noted.object_repr, noted.object_id) == (str(person.pk), str(person.pk))
        # As releases before this one noted it.
        LogEntry.objects.update(object_repr=EMAIL)

        services.delete_account(user=person, password=PASSWORD, address="192.0.2.1", at=timezone.now())

        assert not LogEntry.objects.exclude(object_repr="").exists()

    def test_s51_by_the_person_leaves_nothing_in_any_table(self, person: Any) -> None:
        assert {label for label, _ in found(WORDS)} >= {
            "accounts.User", "accounts.Profile", "accounts.Address", "accounts.TokenFamily", "orders.Order",
            "orders.Return", "orders.Withdrawal", "orders.DraftOrder", "orders.InvoiceParties",
            "notifications.Notification", "notifications.Mail",
        }  # fmt: skip

        services.delete_account(user=person, password=PASSWORD, address="192.0.2.1", at=timezone.now())
        tell_everybody()

        assert {(label, name) for label, name in found(WORDS) if label not in KEPT_BY_LAW} == set()
        assert Invoice.objects.filter(order__customer=person).exists()
        books_agree()

    def test_s51_by_staff_does_the_same(self, person: Any) -> None:
        boss = make_user(is_superuser=True)

        answer = client_of(boss).delete(f"/api/v1/users/{person.pk}")
        tell_everybody()

        assert answer.status_code == 204
        assert {(label, name) for label, name in found(WORDS) if label not in KEPT_BY_LAW} == set()
        assert client_of(boss).get(f"/api/v1/users/{person.pk}").status_code == 404


@pytest.mark.django_db
class TestWhoMayErase:
    def test_s51_nobody_above_or_oneself(self) -> None:
        boss = make_user(is_superuser=True)
        clerk = make_user(permissions=["accounts.delete_user"])

        with pytest.raises(AboveYourRole):
            services.erase_account(user_id=boss.pk, actor=clerk, at=NOON)
        with pytest.raises(OwnAccess):
            services.erase_account(user_id=boss.pk, actor=boss, at=NOON)

        boss.refresh_from_db()
        assert boss.deleted_at is None
