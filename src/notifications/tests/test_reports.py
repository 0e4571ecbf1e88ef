from __future__ import annotations

import hashlib
import hmac
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as django_mail
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.domain import Role
from accounts.tests.factories import make_user
from core.ids import new_id
from notifications import selectors, services
from notifications.domain import Kind, Report, ReportKind
from notifications.errors import ReportRefused, SuppressionNotFound
from notifications.models import Mail, MailReport, Suppression
from notifications.tests.factories import NOON, make_mail
from notifications.webhooks import read_mailgun

URL = "/api/v1/webhooks/mail/mailgun"
ADDRESS = "ada@example.com"


def signed(event: Any = "failed", *, key: Any = "key-new", at: Any = None, token: Any = "", **data: Any) -> bytes:
    """A webhook as Mailgun sends it: HMAC-SHA256 of time and token, beside the event."""
    stamp, token = str(int((at or timezone.now()).timestamp())), token or new_id().hex
    signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    told = {"event": event, "severity": "permanent", "recipient": ADDRESS, "timestamp": float(stamp)} | data
    block = {"timestamp": stamp, "token": token, "signature": signature}
    return json.dumps({"signature": block, "event-data": told}).encode()


def send(body: bytes, url: str = URL) -> int:
    return Client().post(url, body, content_type="application/json").status_code


def sent_to(address: str, kind: Kind = Kind.ORDER_PLACED) -> Mail:
    mail = make_mail(to=address, kind=kind.value)
    services.send_mail(mail_id=mail.pk, clock=lambda: NOON)
    mail.refresh_from_db()
    return mail


@pytest.mark.django_db
class TestMailgunsWebhook:
    def test_a_bounce_stops_all_mail_to_the_address_whatever_its_case(self) -> None:
        bounced = make_mail(state="sent", sent_at=NOON)
        message = {"headers": {"message-id": f"{bounced.pk}@localhost"}}
        said = {"code": 550, "message": f"5.1.1 <{ADDRESS}> unknown"}

        status = send(signed(message=message, **{"delivery-status": said}))

        row = Suppression.objects.get()
        assert status == 200
        assert (row.address, row.report, row.mail_id, row.reason) == (
            ADDRESS,
            "bounced",
            bounced.pk,
            "5.1.1 <…> unknown",
        )
        again = sent_to("ADA@example.com")
        assert (again.state, again.last_error) == ("failed", "Suppressed: ")
        assert not django_mail.outbox

    @pytest.mark.parametrize("event", ["complained", "unsubscribed"])
    def test_a_complaint_stops_what_is_not_transactional(self, event: str) -> None:
        send(signed(event))

        assert sent_to(ADDRESS, Kind.NEW_PRODUCT).state == "failed"
        assert sent_to(ADDRESS, Kind.ORDER_PLACED).state == "sent"
        assert sent_to("grace@example.com", Kind.NEW_PRODUCT).state == "sent"

    @pytest.mark.parametrize(
        ("event", "more"), [("failed", {"severity": "temporary"}), ("delivered", {}), ("opened", {}), ("made up", {})]
    )
    def test_what_is_no_such_thing_stops_nothing(self, event: str, more: dict[str, str]) -> None:
        status = send(signed(event, **more))

        assert status == 200
        assert not Suppression.objects.exists()

    def test_r32_is_taken_in_once_even_with_another_body(self) -> None:
        send(signed("delivered", token="t1"))

        status = send(signed("failed", token="t1", recipient="victim@example.com"))

        assert status == 200
        assert not Suppression.objects.exists()
        assert MailReport.objects.get().key == "mailgun.t1"

    def test_r32_a_lifted_address_is_not_suppressed_again_by_the_same_report(self) -> None:
        body = signed()
        send(body)
        services.lift_suppressions(suppression_ids=[Suppression.objects.get().pk], at=NOON)

        send(body)

        assert sent_to(ADDRESS).state == "sent"
        assert send(signed()) == 200
        assert sent_to(ADDRESS).state == "failed"

    def test_two_keys_are_good_while_one_follows_the_other(self) -> None:
        assert [send(signed(key=key)) for key in ("key-new", "key-old", "key-older")] == [200, 200, 406]

    @pytest.mark.parametrize(
        "body",
        [
            signed(key="wrong"),
            signed(at=timezone.now() - timedelta(days=2)),
            signed(at=timezone.now() + timedelta(days=1)),
            signed()[:-9],
            signed(event={"of": "another kind"}),
            b"",
            b"[]",
            b'{"signature": {"timestamp": "1e400", "token": 1, "signature": "x"}}',
            b'{"signature": {"timestamp": 99999999999999999999, "token": "", "signature": ""}}',
            b"[" * 5000,
            '{"signature": {"timestamp": "٣", "token": "é", "signature": "ü"}}'.encode(),
        ],
        ids=range(11),
    )
    def test_r32_what_is_forged_stale_or_garbled_is_refused_for_good(self, body: bytes) -> None:
        status = send(body)

        assert status == 406
        assert not Suppression.objects.exists()
        assert not MailReport.objects.exists()

    def test_nobody_else_reports(self, settings: Any) -> None:
        assert send(signed(), "/api/v1/webhooks/mail/sendpigeon") == 404
        settings.MAIL_REPORTERS = {}
        assert send(signed()) == 404

    def test_an_address_that_is_none_suppresses_nothing(self) -> None:
        assert send(signed(recipient="")) == 200
        assert send(signed(recipient=None)) == 200
        assert not Suppression.objects.exists()

    def test_old_keys_are_forgotten_when_nobody_believes_them_any_more(self) -> None:
        now = timezone.now()
        send(body := signed())

        services.forget_old(now=now + timedelta(days=8))

        assert not MailReport.objects.exists()
        with pytest.raises(ReportRefused):
            read_mailgun(body=body, at=now + timedelta(days=8))


@pytest.mark.django_db(transaction=True)
def test_the_same_report_at_once_is_taken_in_once() -> None:
    report = Report(key="mailgun.t", kind=ReportKind.BOUNCED, address=ADDRESS)
    start = threading.Barrier(6)

    def take(_: int) -> bool:
        start.wait(60)
        try:
            return services.take_report(report=report, at=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        taken = list(threads.map(take, range(6)))

    assert sorted(taken) == [False] * 5 + [True]
    assert Suppression.objects.count() == 1


@pytest.mark.django_db
class TestLifting:
    def test_refuses_where_none_is_in_force(self) -> None:
        with pytest.raises(SuppressionNotFound):
            services.lift_suppressions(suppression_ids=[new_id()], at=NOON)

    def test_reads_by_the_whole_address_in_one_query(self, django_assert_num_queries: Any) -> None:
        for kind in (ReportKind.BOUNCED, ReportKind.COMPLAINED):
            services.take_report(report=Report(key=kind.value, kind=kind, address=ADDRESS), at=NOON)

        with django_assert_num_queries(1):
            found = selectors.suppressed(addresses=["Ada@Example.com", "grace@example.com", ""])

        assert found == {"Ada@Example.com": {"bounced", "complained"}}

    def test_is_known_under_an_earlier_secret_key(self, settings: Settings) -> None:
        services.take_report(report=Report(key="a", kind=ReportKind.BOUNCED, address=ADDRESS), at=NOON)
        settings.EARLIER_SECRET_KEYS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another secret key, long enough for its purpose"

        found = selectors.suppressed(addresses=["Ada@Example.com", "grace@example.com"])

        assert found == {"Ada@Example.com": {"bounced"}}
        assert selectors.list_suppressions(address="ada@example.com").count() == 1

    def test_staff_find_and_lift_it_in_the_back_office(self) -> None:
        send(signed())
        row = Suppression.objects.get()
        pages = f"/admin/notifications/suppression/{row.pk}/lift/"
        support, others = Client(), Client()
        support.force_login(make_user(roles=[Role.CUSTOMER_SUPPORT], is_staff=True))
        others.force_login(make_user(roles=[Role.CATALOGUE_MANAGER], is_staff=True))

        found = support.get("/admin/notifications/suppression/?q=ADA@example.com").context["cl"].result_list
        refused = others.post(pages, {"_confirmed": "yes"}).status_code
        assert Suppression.objects.get().lifted_at is None
        support.post(pages, {"_confirmed": "yes"})

        assert [each.pk for each in found] == [row.pk]
        assert refused == 403
        assert Suppression.objects.get().lifted_at is not None
        assert sent_to(ADDRESS).state == "sent"
