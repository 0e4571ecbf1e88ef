"""What the broker gave up, in the back office."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.domain import Role
from accounts.tests.factories import make_user
from core.models import DeadLetter, Delivery
from core.tests.factories import NOON, make_delivery
from tests.journeys.back_office import browser_of


@pytest.mark.django_db
def test_staff_see_what_was_given_up_and_send_it_again(browser: Client) -> None:
    dead = make_delivery(dead_at=NOON)
    letter = DeadLetter.objects.create(
        digest="d", task="core.tasks.deliver", kwargs={"delivery_ids": [str(dead.pk)]}, noted_at=NOON
    )
    pages = "/admin/core/deadletter/"

    listed = browser.get(pages).content.decode()
    other = browser_of(make_user(roles=[Role.CATALOGUE_MANAGER], is_staff=True))
    refused = [
        other.get(pages).status_code,
        other.post(f"{pages}{letter.pk}/resend/", {"_confirmed": "yes"}).status_code,
    ]
    assert Delivery.objects.get().state == "dead"
    browser.post(f"{pages}{letter.pk}/resend/", {"_confirmed": "yes"})

    assert "core.tasks.deliver" in listed
    assert refused == [403, 403]
    assert Delivery.objects.get().state == "owed"
