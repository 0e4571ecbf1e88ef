"""Those whom the backups know to be erased are erased again, however often it is broken off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from pytest_django import Settings

from accounts import services
from accounts.models import Profile, User
from accounts.selectors import erased_since
from accounts.tests.factories import PASSWORD, make_user
from config.backups.erasures import Erasures, kept_erasures
from config.backups.stores import open_store
from config.erasing import replay_erasures
from core import media
from core.models import Delivery, LooseFile
from core.outbox import drain
from inventory.tests.factories import NOON, make_stock
from orders.models import Order
from orders.tests.factories import make_order
from tests.journeys.test_forgetting import WORDS, found, person  # noqa: F401 - a fixture

KEPT_BY_LAW = {"orders.InvoiceParties"}


class TestReplayErasures:
    def test_s51_leaves_nothing_in_any_table_and_does_nothing_more(self, person: Any) -> None:  # noqa: F811
        bystander = make_user("bystander@example.com")

        first = replay_erasures({person.pk: NOON, uuid4(): NOON})
        second = replay_erasures({person.pk: NOON})

        assert (first, second) == ((1, 0), (0, 0))
        assert {label for label, _ in found(WORDS)} <= KEPT_BY_LAW
        person.refresh_from_db()
        assert person.deleted_at == NOON
        assert User.objects.filter(pk=bystander.pk, deleted_at=None).exists()

    @pytest.mark.django_db(transaction=True)
    def test_s51_goes_on_where_it_was_broken_off(self) -> None:
        people = [make_user(f"zaphod{number}@example.com") for number in range(3)]
        orders = [make_order((make_stock(on_hand=9), 1), customer=each) for each in people]
        drain()
        erased = {each.pk: NOON for each in people}
        real = services.erase_again

        def dies(**given: Any) -> bool:
            if given["user_id"] == people[2].pk:
                raise KeyboardInterrupt
            return real(**given)

        with patch.object(services, "erase_again", dies), pytest.raises(KeyboardInterrupt):
            replay_erasures(erased)
        assert User.objects.filter(deleted_at__isnull=False).count() == 2
        assert replay_erasures(erased) == (1, 0)

        assert [order.email for order in Order.objects.filter(pk__in=[order.pk for order in orders])] == [""] * 3

    @pytest.mark.django_db(transaction=True)
    def test_s51_delivers_nothing_but_what_follows_from_an_erasure(self) -> None:
        user = make_user("zaphod@example.com")
        make_order((make_stock(on_hand=9), 1), customer=user)
        owed = set(Delivery.objects.filter(done_at=None).values_list("pk", flat=True))

        replay_erasures({user.pk: NOON})

        assert owed
        assert set(Delivery.objects.filter(done_at=None).values_list("pk", flat=True)) == owed

    @pytest.mark.django_db(transaction=True)
    def test_s51_has_pictures_swept_that_come_back_after_it(self, settings: Settings, tmp_path: Path) -> None:
        settings.MEDIA_ROOT = tmp_path
        user = make_user()
        name = default_storage.save("avatars/a.webp", ContentFile(b"a face"))
        Profile.objects.filter(user=user).update(avatar=name)

        replay_erasures({user.pk: NOON})

        assert default_storage.exists(name)
        assert LooseFile.objects.filter(name=name).exists()
        media.sweep_files(before=timezone.now() + timedelta(days=1))
        assert not default_storage.exists(name)


@pytest.mark.django_db
class TestErasures:
    def test_s51_keeps_each_once_and_nothing_that_tells_who_it_was(self, tmp_path: Path) -> None:
        store = open_store(str(tmp_path))
        early, late = make_user("early@example.com"), make_user("late@example.com")
        services.delete_account(user=early, password=PASSWORD, address="192.0.2.1", at=NOON)
        erasures = Erasures(store, lambda: "7")

        first = erasures.carry(erased_since(at=erasures.since))
        again = erasures.carry(erased_since(at=erasures.since))
        # Its transaction began before that of the first.
        services.delete_account(user=late, password=PASSWORD, address="192.0.2.1", at=NOON - timedelta(minutes=5))
        more = erasures.carry(erased_since(at=erasures.since))

        assert (first, again, more) == (1, 0, 1)
        assert kept_erasures(store, "7") == {late.pk: NOON - timedelta(minutes=5), early.pk: NOON}
        assert kept_erasures(store, "8") == {}
        assert Erasures(store, lambda: "7").carry(erased_since(at=None)) == 0
        assert "example" not in "".join(path.read_text() for path in tmp_path.rglob("*.json"))

    def test_s51_asks_for_those_of_late_alone(self, tmp_path: Path) -> None:
        erasures = Erasures(open_store(str(tmp_path)), lambda: "7")

        erasures.carry([(uuid4(), datetime(2026, 6, 1, 12, tzinfo=UTC))])

        assert erasures.since == datetime(2026, 6, 1, 11, tzinfo=UTC)
