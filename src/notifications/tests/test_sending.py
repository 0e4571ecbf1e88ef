from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from celery import current_app
from conftest import free_port
from django.conf import settings
from django.core import mail as django_mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import make_user
from core.errors import NotFound
from core.tests.plans import STATISTICS, analyze, fill, pile_up, visits
from notifications import services, tasks
from notifications.domain import Channel, Kind
from notifications.models import Mail
from notifications.services import sending, telling
from notifications.tests.factories import NOON, make_mail, make_message, make_preference

SLOW = "notifications.tests.test_sending.SlowBackend"
BROKEN = "notifications.tests.test_sending.BrokenBackend"
IN_FOLDER = "notifications.mailbox.FolderBackend"


def at_noon() -> datetime:
    return NOON


def html_of(sent: Any) -> str:
    """The HTML body of what Django sent."""
    ((content, kind),) = sent.alternatives
    assert kind == "text/html"
    return str(content)


class SlowBackend(BaseEmailBackend):
    """A mail server that takes its time, and remembers. It must never be talked to inside a transaction."""

    sent: list[str] = []
    lock = threading.Lock()

    def send_messages(self, email_messages: Any) -> int:
        assert not connection.in_atomic_block
        for message in email_messages:
            threading.Event().wait(0.02)
            with self.lock:
                self.sent.append(message.extra_headers["Message-ID"])
        return len(email_messages)


class BrokenBackend(BaseEmailBackend):
    """A mail server that fails as told, then works."""

    failures: list[Exception] = []
    tried = 0

    def send_messages(self, email_messages: Any) -> int:
        type(self).tried += 1
        if self.failures:
            raise self.failures.pop(0)
        return len(email_messages)


@pytest.fixture(autouse=True)
def _clean() -> None:
    SlowBackend.sent.clear()
    BrokenBackend.failures.clear()
    BrokenBackend.tried = 0


@pytest.mark.django_db
class TestSendMail:
    def test_sends_both_bodies_under_an_id_made_of_the_mails_own(self) -> None:
        mail = make_mail()

        left = services.send_mail(mail_id=mail.pk, clock=at_noon)

        mail.refresh_from_db()
        (sent,) = django_mail.outbox
        assert left
        assert (mail.state, mail.sent_at, mail.attempts) == ("sent", NOON, 1)
        assert (sent.to, sent.subject, sent.body) == (["ada@example.com"], "We have your order", "Thank you.\n")
        assert sent.message()["Message-ID"] == f"<{mail.pk}@localhost>"
        assert html_of(sent) == "<p>Thank you.</p>"

    def test_sends_nothing_twice(self) -> None:
        mail = make_mail()

        answers = [services.send_mail(mail_id=mail.pk, clock=at_noon) for _ in range(2)]

        assert answers == [True, False]
        assert len(django_mail.outbox) == 1

    def test_waits_until_it_is_due(self) -> None:
        mail = make_mail(due_at=NOON + timedelta(seconds=1))

        left = services.send_mail(mail_id=mail.pk, clock=at_noon)

        mail.refresh_from_db()
        assert not left
        assert (mail.state, mail.attempts, len(django_mail.outbox)) == ("queued", 0, 0)

    def test_offers_to_unsubscribe_with_one_click_where_it_is_not_transactional(self) -> None:
        user = make_user()
        with transaction.atomic():
            services.tell(users=[user], message=make_message(), source="d1", at=NOON)

        services.send_waiting_mail(clock=at_noon)

        headers = django_mail.outbox[0].message()
        assert headers["List-Unsubscribe"] == f"<{Mail.objects.get().unsubscribe_url}>"
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    def test_offers_none_where_it_is_transactional(self) -> None:
        services.send_mail(mail_id=make_mail().pk, clock=at_noon)

        assert "List-Unsubscribe" not in django_mail.outbox[0].message()

    def test_fills_in_address_and_link_of_an_announcement(self) -> None:
        users = [make_user(), make_user()]
        for user in users:
            make_preference(user, Kind.NEW_PRODUCT, Channel.EMAIL, is_wanted=True)
        with transaction.atomic():
            services.tell_subscribers(
                message=make_message(Kind.NEW_PRODUCT, context={"action_url": "https://shop.example/p"}),
                source="d1",
                at=NOON,
            )

        services.send_waiting_mail(clock=lambda: NOON + timedelta(minutes=1))

        links = {str(sent.message()["List-Unsubscribe"]).strip("<>") for sent in django_mail.outbox}
        assert {sent.to[0] for sent in django_mail.outbox} == {user.email for user in users}
        assert len(links) == 2
        for sent in django_mail.outbox:
            link = str(sent.message()["List-Unsubscribe"]).strip("<>")
            assert link in sent.body
            assert link in html_of(sent)
            assert "mark.invalid" not in f"{sent.body}{html_of(sent)}"

    def test_gives_up_at_once_where_the_account_is_gone(self) -> None:
        user = make_user(is_active=False)
        mail = make_mail(kind=Kind.NEW_PRODUCT.value, to="", user=user)

        services.send_mail(mail_id=mail.pk, clock=at_noon)

        mail.refresh_from_db()
        assert (mail.state, mail.last_error) == ("failed", "NobodyToSendTo: ")
        assert not django_mail.outbox

    def test_s26_cannot_be_made_to_add_a_header(self) -> None:
        mail = make_mail(subject="Chair\nBcc: all@example.com")

        left = services.send_mail(mail_id=mail.pk, clock=at_noon)

        mail.refresh_from_db()
        assert not left
        assert mail.last_error.startswith("BadHeaderError")
        assert not django_mail.outbox


@pytest.mark.django_db
class TestRetries:
    def test_tries_again_later_each_time_and_gives_up_after_ten(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = BROKEN
        BrokenBackend.failures.extend(SMTPServerDisconnected("gone") for _ in range(20))
        mail = make_mail()
        now, pauses = NOON, []

        for _ in range(12):
            services.send_mail(mail_id=mail.pk, clock=lambda now=now: now)  # type: ignore[misc]
            mail.refresh_from_db()
            pauses.append((mail.due_at - now).total_seconds())
            now = mail.due_at

        assert (mail.state, mail.attempts, BrokenBackend.tried) == ("failed", 10, 10)
        assert pauses[:8] == sorted(pauses[:8])
        assert mail.last_error == "SMTPServerDisconnected"

    def test_r30_recovers_when_the_server_is_back(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = BROKEN
        BrokenBackend.failures.append(ConnectionRefusedError("mail is down"))
        mail, other = make_mail(), make_mail()

        first = services.send_waiting_mail(clock=at_noon)
        tried = BrokenBackend.tried
        second = services.send_waiting_mail(clock=lambda: NOON + timedelta(minutes=1))

        mail.refresh_from_db()
        other.refresh_from_db()
        assert (first, tried, second) == (0, 1, 2)
        assert (mail.state, mail.attempts, mail.last_error) == ("sent", 2, "")
        assert (other.state, other.attempts) == ("sent", 1)

    def test_does_not_repeat_what_is_refused_for_good_nor_tell_the_address(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = BROKEN
        BrokenBackend.failures.append(SMTPRecipientsRefused({"ada@example.com": (550, b"no ada@example.com here")}))
        mail, other = make_mail(), make_mail()

        sent = services.send_waiting_mail(clock=at_noon)

        mail.refresh_from_db()
        other.refresh_from_db()
        assert sent == 1
        assert (mail.state, mail.last_error) == ("failed", "recipient refused: [550]")
        assert other.state == "sent"

    def test_tries_again_what_is_refused_for_now(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = BROKEN
        BrokenBackend.failures.append(SMTPRecipientsRefused({"ada@example.com": (451, b"greylisted")}))
        mail = make_mail()

        services.send_mail(mail_id=mail.pk, clock=at_noon)

        mail.refresh_from_db()
        assert mail.state == "queued"
        assert mail.due_at > NOON

    def test_a_crash_before_the_record_sends_the_same_mail_again(self, settings: Any, tmp_path: Path) -> None:
        settings.EMAIL_BACKEND, settings.MAIL_FOLDER = IN_FOLDER, tmp_path
        mail = make_mail()
        [claimed] = sending.claim_mails(mail_id=mail.pk, now=NOON)
        server = django_mail.get_connection()
        server.send_messages([sending._compose(claimed, server)])

        too_early = services.send_mail(mail_id=mail.pk, clock=at_noon)
        later = services.send_mail(mail_id=mail.pk, clock=lambda: NOON + settings.MAIL_LEASE)

        mail.refresh_from_db()
        assert (too_early, later) == (False, True)
        assert (mail.state, mail.attempts) == ("sent", 2)
        assert [path.name for path in tmp_path.iterdir()] == [f"{mail.pk}.eml"]

    def test_a_worker_whose_lease_ran_out_has_no_say_any_more(self) -> None:
        mail = make_mail()
        [slow] = sending.claim_mails(mail_id=mail.pk, now=NOON)
        services.send_mail(mail_id=mail.pk, clock=lambda: NOON + settings.MAIL_LEASE)

        sending._record_failure(mail=slow, error="too late", is_final=True, now=NOON)

        mail.refresh_from_db()
        assert (mail.state, mail.last_error) == ("sent", "")

    def test_a_worker_whose_lease_ran_out_cannot_end_the_next_try(self) -> None:
        mail = make_mail()
        [slow] = sending.claim_mails(mail_id=mail.pk, now=NOON)
        assert sending.claim_mails(mail_id=mail.pk, now=NOON + settings.MAIL_LEASE)

        sending._record_failure(mail=slow, error="too late", is_final=True, now=NOON)

        mail.refresh_from_db()
        assert (mail.state, mail.attempts, mail.last_error) == ("queued", 2, "")


@pytest.mark.django_db
class TestWorkersLost:
    def test_what_was_with_them_goes_alone_and_is_sent(self) -> None:
        mails = [make_mail() for _ in range(3)]
        assert len(sending.claim_mails(now=NOON)) == 3
        later, fresh = NOON + settings.MAIL_LEASE, make_mail(due_at=NOON + settings.MAIL_LEASE)

        claimed = [sending.claim_mails(now=later) for _ in range(4)]

        assert claimed == [[mails[0]], [mails[1]], [mails[2]], [fresh]]

    def test_one_that_was_tried_before_waits_for_its_turn_beside_new_ones(self) -> None:
        new, tried, newer = make_mail(), make_mail(attempts=1), make_mail()

        assert sending.claim_mails(now=NOON) == [new, newer]
        assert sending.claim_mails(now=NOON) == [tried]

    def test_the_tenth_is_the_last_and_the_next_mail_goes_on(self) -> None:
        fatal, other = make_mail(attempts=9), make_mail()
        assert sending.claim_mails(now=NOON) == [fatal]

        sent = services.send_waiting_mail(clock=lambda: NOON + settings.MAIL_LEASE)

        fatal.refresh_from_db()
        other.refresh_from_db()
        assert (sent, other.state) == (1, "sent")
        assert (fatal.state, fatal.attempts) == ("failed", 10)
        assert "lost" in fatal.last_error


@pytest.mark.django_db
class TestRetryMails:
    def test_queues_failed_mails_with_all_their_tries(self) -> None:
        failed, sent = make_mail(state="failed", attempts=10), make_mail(state="sent", sent_at=NOON)

        count = services.retry_mails(mail_ids=[failed.pk, sent.pk], now=NOON)

        failed.refresh_from_db()
        sent.refresh_from_db()
        assert count == 1
        assert (failed.state, failed.attempts, sent.state) == ("queued", 0, "sent")

    def test_refuses_where_none_has_failed(self) -> None:
        with pytest.raises(NotFound):
            services.retry_mails(mail_ids=[make_mail().pk], now=NOON)


@pytest.mark.django_db
class TestSendWaitingMail:
    def test_sends_the_longest_waiting_first_and_stops_at_the_limit(self) -> None:
        late, early = make_mail(subject="2"), make_mail(subject="1", due_at=NOON - timedelta(seconds=1))
        make_mail(subject="3", due_at=NOON + timedelta(seconds=1))

        sent = services.send_waiting_mail(clock=at_noon, most=2)

        late.refresh_from_db()
        early.refresh_from_db()
        assert sent == 2
        assert [mail.subject for mail in django_mail.outbox] == ["1", "2"]

    def test_gives_back_what_it_does_not_get_to_in_half_the_lease(
        self, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.MAIL_LEASE = timedelta(seconds=120)
        mails = [make_mail() for _ in range(3)]
        times, tried = [NOON], []

        def send(mail: Mail, *_: object) -> bool:
            tried.append((mail.pk, mail.attempts, times[0] - NOON))
            times[0] += timedelta(seconds=50)
            return True

        monkeypatch.setattr(sending, "_send", send)
        services.send_waiting_mail(clock=lambda: times[0], most=4)

        seconds = [timedelta(seconds=second) for second in (0, 50, 100)]
        assert tried[:3] == [(mail.pk, 1, second) for mail, second in zip(mails, seconds, strict=True)]

    def test_claims_together_in_three_statements(self) -> None:
        for _ in range(5):
            make_mail()

        with CaptureQueriesContext(connection) as queries:
            claimed = sending.claim_mails(now=NOON, most=3)

        assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 3
        assert [mail.attempts for mail in claimed] == [1, 1, 1]

    def test_locks_before_it_claims(self) -> None:
        make_mail()

        with CaptureQueriesContext(
            connection,
        ) as queries:
            sending.claim_mails(now=NOON)

        lock = next(i for i, query in enumerate(queries) if "FOR UPDATE" in query["sql"])
        write = next(i for i, query in enumerate(queries) if query["sql"].startswith("UPDATE"))
        assert "SKIP LOCKED" in queries[lock]["sql"]
        assert "ORDER BY" in queries[lock]["sql"]
        assert lock < write


@pytest.mark.django_db
def test_a_worker_is_asked_to_send_after_the_commit(
    settings: Any, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    settings.OUTBOX_COURIER = True
    with current_app.connection_for_read() as broker, closing(broker.SimpleQueue("nexus.mail")) as queue:
        queue.clear()
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            services.tell(users=[make_user()], message=make_message(), source="d1", at=NOON)

        message = queue.get(timeout=5)

    assert message.headers["task"] == telling.SEND_TASK
    assert tasks.send_waiting_mail.name == telling.SEND_TASK


@pytest.mark.django_db(transaction=True)
def test_many_senders_send_each_mail_once(settings: Any) -> None:
    settings.EMAIL_BACKEND = SLOW
    mails = [make_mail() for _ in range(12)]
    start = threading.Barrier(6)

    def send(_: int) -> int:
        try:
            start.wait(5)
            return services.send_waiting_mail(clock=at_noon)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=6) as senders:
        counts = list(senders.map(send, range(6)))

    assert sum(counts) == 12
    assert sorted(SlowBackend.sent) == sorted(f"<{mail.pk}@localhost>" for mail in mails)
    assert set(Mail.objects.values_list("state", "attempts")) == {("sent", 1)}


@pytest.mark.django_db(transaction=True)
def test_a_mail_that_another_sender_holds_is_passed_over_not_waited_for(settings: Any) -> None:
    settings.EMAIL_BACKEND = SLOW
    held, free = make_mail(), make_mail()
    is_held, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            assert Mail.objects.filter(pk=held.pk).locked().get()
            is_held.set()
            may_go.wait(5)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    is_held.wait(5)
    sent = services.send_waiting_mail(clock=at_noon)
    may_go.set()
    holder.join()

    assert sent == 1
    assert SlowBackend.sent == [f"<{free.pk}@localhost>"]


class Received(MessageHandler):
    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Any] = []

    def handle_message(self, message: Any) -> None:
        self.mails.append(message)


@pytest.fixture
def smtp(settings: Any) -> Iterator[list[Any]]:
    """A real SMTP server on a free port."""
    received = Received()
    controller = Controller(received, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    try:
        yield received.mails
    finally:
        controller.stop()


@pytest.mark.django_db
def test_mails_reach_a_real_server_over_one_connection(smtp: list[Any]) -> None:
    mails = [make_mail(subject=f"Grüße {n}") for n in range(3)]

    sent = services.send_waiting_mail(clock=at_noon)

    assert sent == 3
    assert {mail["Message-ID"] for mail in smtp} == {f"<{mail.pk}@localhost>" for mail in mails}
    assert len({mail["X-Peer"] for mail in smtp}) == 1
    assert [part.get_content_type() for part in smtp[0].walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


@pytest.mark.django_db
class TestClaimMails:
    @pytest.mark.parametrize("statistics", STATISTICS)
    def test_looks_at_those_that_it_takes_alone(self, statistics: str) -> None:
        usual = {"kind": "'order_placed'", "source": "n::text", "user_id": "lpad(to_hex(n), 32, '0')::uuid"}
        fill(User, 3, {"email": "''"})
        analyze(User)
        fill(User, 6000, {"email": "''"}, first=1000)
        fill(User, 3000, {"email": "''"}, first=100_000)
        due = {"state": "'queued'", "due_at": "timestamptz '2026-03-01 11:00Z'"}
        sent = {"state": "'sent'", "sent_at": "timestamptz '2026-03-01 11:00Z'"}
        pile_up(Mail, statistics=statistics, done=usual | sent, due=usual | due)

        with visits("^SELECT .* FOR UPDATE") as seen:
            mails = services.claim_mails(now=NOON)

        assert len(mails) == 10
        assert [each.rows for each in seen] == [10]
