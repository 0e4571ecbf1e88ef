from __future__ import annotations

import pytest
from django.test import Client

from accounts.domain import Role
from accounts.tests.factories import make_user
from core.models import Delivery
from core.tests.factories import NOON, make_delivery
from notifications.models import Mail
from notifications.tests.factories import make_mail

YES = {"_confirmed": "yes"}


def browser_of(role: Role) -> Client:
    browser = Client()
    browser.force_login(make_user(roles=[role]), backend="accounts.authentication.EmailBackend")
    return browser


@pytest.mark.django_db
class TestFailedMail:
    def test_is_queued_again(self) -> None:
        failed, queued = make_mail(state="failed", attempts=10), make_mail(state="queued", attempts=3)
        chosen = {"_selected_action": [str(failed.pk), str(queued.pk)], "action": "retry_chosen"}

        browser_of(Role.ADMINISTRATOR).post("/admin/notifications/mail/", chosen | YES)

        assert dict(Mail.objects.values_list("attempts", "state")) == {0: "queued", 3: "queued"}

    def test_shows_no_text_of_a_mail(self) -> None:
        mail = make_mail(text="https://shop/reset/secret-token")

        page = browser_of(Role.ADMINISTRATOR).get(f"/admin/notifications/mail/{mail.pk}/change/").content.decode()

        assert "secret-token" not in page

    def test_is_not_for_support_to_send(self) -> None:
        mail = make_mail(state="failed")

        response = browser_of(Role.CUSTOMER_SUPPORT).post(f"/admin/notifications/mail/{mail.pk}/retry/", YES)

        assert response.status_code == 403
        assert Mail.objects.get().state == "failed"


@pytest.mark.django_db
class TestDeadLetters:
    def test_are_owed_again(self) -> None:
        dead = make_delivery(dead_at=NOON, attempts=12)
        browser = browser_of(Role.ADMINISTRATOR)

        asked = browser.get(f"/admin/core/delivery/{dead.pk}/retry/")
        browser.post(f"/admin/core/delivery/{dead.pk}/retry/", YES)
        again = browser.post(f"/admin/core/delivery/{dead.pk}/retry/", YES)

        assert asked.status_code == again.status_code == 200
        assert Delivery.objects.get().state == "owed"
        assert Delivery.objects.get().attempts == 0

    def test_are_found_by_their_state(self) -> None:
        dead, _ = make_delivery(dead_at=NOON), make_delivery()

        rows = browser_of(Role.ADMINISTRATOR).get("/admin/core/delivery/?state=dead").context["cl"].result_list

        assert [row.pk for row in rows] == [dead.pk]
