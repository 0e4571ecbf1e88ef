from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from conftest import free_port

from notifications import services
from notifications.models import Mail
from notifications.tests.factories import NOON, make_mail
from notifications.tests.test_sending import Received, at_noon


@pytest.mark.django_db
class TestServerThatNobodyReaches:
    @pytest.fixture(autouse=True)
    def _away(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()

    def test_r30_costs_no_try_and_all_leave_once_it_is_back(self, settings: Any) -> None:
        mails = [make_mail(), make_mail()]

        for seconds in range(0, 60, 5):
            services.send_waiting_mail(clock=lambda seconds=seconds: NOON + timedelta(seconds=seconds))  # type: ignore[misc]

        rows = set(Mail.objects.values_list("state", "attempts", "due_at"))
        assert rows == {("queued", 0, NOON + timedelta(seconds=55))}
        assert "ConnectionRefusedError" in Mail.objects.values_list("last_error", flat=True)[0]

        controller = Controller(Received(), hostname="127.0.0.1", port=settings.EMAIL_PORT)
        controller.start()
        try:
            sent = services.send_waiting_mail(clock=lambda: NOON + timedelta(seconds=55))
        finally:
            controller.stop()
        assert sent == len(mails)

    def test_ends_the_wait_after_two_days(self) -> None:
        mail = make_mail()
        Mail.objects.filter(pk=mail.pk).update(created_at=NOON)

        states = []
        for now in (NOON + timedelta(days=2), NOON + timedelta(days=2, seconds=1)):
            services.send_waiting_mail(clock=lambda now=now: now)  # type: ignore[misc]
            mail.refresh_from_db()
            states.append(mail.state)

        assert states == ["queued", "failed"]

    def test_waits_as_long_where_it_has_no_time(self, settings: Any) -> None:
        mail = make_mail()
        controller = Controller(Received(), hostname="127.0.0.1", port=settings.EMAIL_PORT)
        controller.factory = _Busy  # type: ignore[method-assign]
        controller.start()
        try:
            services.send_waiting_mail(clock=at_noon)
        finally:
            controller.stop()

        mail.refresh_from_db()
        assert (mail.state, mail.attempts, mail.due_at, mail.last_error) == ("queued", 0, NOON, "SMTPConnectError: 421")


class _Busy(asyncio.Protocol):
    """A server that greets with 421 (RFC 5321, section 3.8)."""

    def connection_made(self, transport: Any) -> None:
        transport.write(b"421 Too many connections\r\n")
        transport.close()
