from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.tests.factories import make_user
from notifications import selectors, services, tasks
from notifications.errors import NotificationNotFound
from notifications.models import Mail, Notification
from notifications.tests.factories import NOON, make_mail, make_notification

pytestmark = pytest.mark.django_db


class TestReadNotification:
    def test_marks_it_once_and_keeps_the_first_time(self) -> None:
        note = make_notification()

        for minutes in (0, 5):
            services.read_notification(user=note.user, notification_id=note.pk, at=NOON + timedelta(minutes=minutes))

        note.refresh_from_db()
        assert note.read_at == NOON

    def test_s01_does_not_find_that_of_another(self) -> None:
        note = make_notification()

        with pytest.raises(NotificationNotFound):
            services.read_notification(user=make_user(), notification_id=note.pk, at=NOON)

        note.refresh_from_db()
        assert note.read_at is None


class TestMarkRead:
    def test_marks_those_named_and_counts_only_the_unread(self) -> None:
        user = make_user()
        first, second, other = (make_notification(user) for _ in range(3))
        second.read_at = NOON - timedelta(days=1)
        second.save()

        changed = services.mark_read(user=user, ids=[first.pk, second.pk], at=NOON)

        first.refresh_from_db()
        second.refresh_from_db()
        other.refresh_from_db()
        assert changed == 1
        assert (first.read_at, second.read_at, other.read_at) == (NOON, NOON - timedelta(days=1), None)

    def test_s01_leaves_those_of_others_alone(self) -> None:
        user, mine, foreign = make_user(), make_notification(), make_notification()

        counts = [
            services.mark_read(user=user, ids=[mine.pk, foreign.pk], at=NOON),
            services.mark_read(user=user, ids=None, at=NOON),
        ]

        assert counts == [0, 0]
        assert Notification.objects.filter(read_at__isnull=True).count() == 2

    @pytest.mark.parametrize("rows", [1, 9])
    def test_costs_one_statement(self, rows: int, django_assert_num_queries: object) -> None:
        user = make_user()
        for _ in range(rows):
            make_notification(user)

        # With the transaction's own two.
        with django_assert_num_queries(3):  # type: ignore[operator]
            changed = services.mark_read(user=user, ids=None, at=NOON)

        assert changed == rows


class TestDeleteNotifications:
    def test_removes_those_named_and_leaves_those_of_others(self) -> None:
        user, foreign = make_user(), make_notification()
        mine, kept = make_notification(user), make_notification(user)

        count = services.delete_notifications(user=user, ids=[mine.pk, foreign.pk])

        assert count == 1
        assert set(Notification.objects.values_list("pk", flat=True)) == {kept.pk, foreign.pk}

    def test_removes_all_of_the_user(self) -> None:
        user, foreign = make_user(), make_notification()
        for _ in range(2):
            make_notification(user)

        count = services.delete_notifications(user=user, ids=None)

        assert count == 2
        assert Notification.objects.get() == foreign


class TestDeleteNotification:
    def test_removes_it(self) -> None:
        note = make_notification()

        services.delete_notification(user=note.user, notification_id=note.pk)

        assert not Notification.objects.exists()

    def test_s01_does_not_find_that_of_another(self) -> None:
        note = make_notification()

        with pytest.raises(NotificationNotFound):
            services.delete_notification(user=make_user(), notification_id=note.pk)

        assert Notification.objects.exists()


class TestForgetOld:
    def test_removes_what_was_read_and_sent_long_ago(self) -> None:
        day = timedelta(days=1)
        make_notification(read_at=NOON - 91 * day)
        read, unread = make_notification(read_at=NOON - 89 * day), make_notification(created_at=NOON - 900 * day)
        make_mail(state="sent", sent_at=NOON - 31 * day, due_at=NOON - 31 * day)
        make_mail(state="failed", due_at=NOON - 91 * day)
        sent = make_mail(state="sent", sent_at=NOON - 29 * day, due_at=NOON - 29 * day)
        failed, queued = make_mail(state="failed", due_at=NOON - 89 * day), make_mail(due_at=NOON - 99 * day)

        counts = services.forget_old(now=NOON)

        assert counts == (1, 2)
        assert set(Notification.objects.all()) == {read, unread}
        assert set(Mail.objects.all()) == {sent, failed, queued}


class TestTasks:
    def test_do_what_the_services_do(self) -> None:
        long_ago = NOON - timedelta(days=900)
        named, waiting = make_mail(due_at=long_ago), make_mail(due_at=long_ago)
        make_notification(read_at=long_ago)

        tasks.send_mail(mail_id=str(named.pk), added_later=True)
        tasks.send_waiting_mail(added_later=True)
        tasks.forget_old(added_later=True)

        assert set(Mail.objects.values_list("pk", "state")) == {(named.pk, "sent"), (waiting.pk, "sent")}
        assert not Notification.objects.exists()


class TestListMails:
    def test_keeps_those_in_a_state(self) -> None:
        failed, queued = make_mail(state="failed"), make_mail()

        assert set(selectors.list_mails()) == {failed, queued}
        assert set(selectors.list_mails(state="failed")) == {failed}
