from __future__ import annotations

from uuid import RFC_4122, UUID

import pytest
from django.db import transaction

from accounts.tests.factories import make_user
from core.tests.plans import STATISTICS, pile_up, visits
from core.transactions import NoTransaction
from notifications import services
from notifications.domain import Channel, Kind
from notifications.models import Mail, Notification, Preference
from notifications.services import announcing
from notifications.tests.factories import NOON, make_message, make_preference

pytestmark = pytest.mark.django_db


class TestTell:
    def test_writes_a_notification_and_a_mail(self) -> None:
        user = make_user(email="ada@example.com")

        with transaction.atomic():
            services.tell(users=[user], message=make_message(data={"user_id": "1"}), source="d1", at=NOON)

        note, mail = Notification.objects.get(), Mail.objects.get()
        assert (note.user_id, note.title, note.data, note.read_at) == (
            user.pk,
            "Welcome to the shop",
            {"user_id": "1"},
            None,
        )
        assert (mail.to, mail.subject, mail.state, mail.due_at) == (
            "ada@example.com",
            "Welcome to the shop",
            "queued",
            NOON,
        )
        assert mail.unsubscribe_url in mail.text
        assert mail.unsubscribe_url in mail.html

    def test_tells_once_per_source_however_often_it_runs(self) -> None:
        user = make_user()

        for _ in range(3):
            with transaction.atomic():
                services.tell(users=[user], message=make_message(), source="d1", at=NOON)

        assert Notification.objects.count() == 1
        assert Mail.objects.count() == 1

    def test_honours_what_was_turned_off(self) -> None:
        user = make_user()
        make_preference(user, Kind.WELCOME, Channel.EMAIL, is_wanted=False)

        with transaction.atomic():
            services.tell(users=[user], message=make_message(), source="d1", at=NOON)

        assert Notification.objects.count() == 1
        assert not Mail.objects.exists()

    def test_sends_what_is_transactional_without_a_way_to_unsubscribe(self) -> None:
        user = make_user()
        make_preference(user, Kind.ORDER_MOVED, Channel.EMAIL, is_wanted=False)

        with transaction.atomic():
            services.tell(users=[user], message=make_message(Kind.ORDER_MOVED), source="d1", at=NOON)

        mail = Mail.objects.get()
        assert mail.unsubscribe_url == ""
        assert "nsubscribe" not in mail.text + mail.html

    @pytest.mark.parametrize("people", [1, 7])
    def test_costs_three_statements_for_any_number_of_people(
        self, people: int, django_assert_num_queries: object
    ) -> None:
        users = [make_user() for _ in range(people)]

        with transaction.atomic(), django_assert_num_queries(3):  # type: ignore[operator]
            services.tell(users=users, message=make_message(), source="d1", at=NOON)

        assert Mail.objects.count() == people

    def test_costs_nothing_where_there_is_nobody(self, django_assert_num_queries: object) -> None:
        with transaction.atomic(), django_assert_num_queries(0):  # type: ignore[operator]
            services.tell(users=[], message=make_message(), source="d1", at=NOON)

    def test_refuses_to_run_alone(self) -> None:
        with pytest.raises(NoTransaction):
            services.tell(users=[make_user()], message=make_message(), source="d1", at=NOON)

        assert not Notification.objects.exists()

    def test_a24_shows_names_as_text_never_as_markup(self) -> None:
        evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"

        with transaction.atomic():
            services.tell(
                users=[make_user()],
                message=make_message(title=f"Hi {evil}", body=evil, context={"name": evil}),
                source="d1",
                at=NOON,
            )

        mail = Mail.objects.get()
        assert "<script" not in mail.html
        assert "<img" not in mail.html
        assert "&lt;script&gt;" in mail.html
        assert evil in mail.text

    def test_s26_keeps_line_breaks_out_of_the_subject(self) -> None:
        with transaction.atomic():
            services.tell(
                users=[make_user()],
                message=make_message(title="Chair\r\nBcc: all@example.com"),
                source="d1",
                at=NOON,
            )

        assert Mail.objects.get().subject == "Chair Bcc: all@example.com"
        assert Notification.objects.get().title == "Chair Bcc: all@example.com"


class TestTellAddress:
    def test_mails_a_guest_once_whatever_the_case_of_the_address(self) -> None:
        for address in ("Guest@Example.com", "guest@example.com"):
            with transaction.atomic():
                services.tell_address(email=address, message=make_message(Kind.ORDER_PLACED), source="d1", at=NOON)

        mail = Mail.objects.get()
        assert (mail.to, mail.user) == ("Guest@Example.com", None)
        assert not Notification.objects.exists()


class TestTellSubscribers:
    def test_reaches_those_who_asked_and_nobody_else(self) -> None:
        both, app_only, refused, gone = (make_user() for _ in range(4))
        make_user()
        for user in (both, app_only, gone):
            make_preference(user, Kind.NEW_PRODUCT, Channel.IN_APP, is_wanted=True)
        for user in (both, gone):
            make_preference(user, Kind.NEW_PRODUCT, Channel.EMAIL, is_wanted=True)
        make_preference(refused, Kind.NEW_PRODUCT, Channel.EMAIL, is_wanted=False)
        type(gone).objects.filter(pk=gone.pk).update(is_active=False)

        with transaction.atomic():
            services.tell_subscribers(message=make_message(Kind.NEW_PRODUCT), source="d1", at=NOON)

        assert set(Notification.objects.values_list("user_id", flat=True)) == {both.pk, app_only.pk}
        assert list(Mail.objects.values_list("user_id", flat=True)) == [both.pk]

    def test_tells_once_per_source_and_makes_ids_of_version_7(self) -> None:
        user = make_user()
        for channel in Channel:
            make_preference(user, Kind.NEW_PRODUCT, channel, is_wanted=True)

        for _ in range(2):
            with transaction.atomic():
                services.tell_subscribers(message=make_message(Kind.NEW_PRODUCT), source="d1", at=NOON)

        ids = [Notification.objects.get().pk, Mail.objects.get().pk]
        assert [(pk.version, pk.variant) for pk in ids] == [(7, RFC_4122)] * 2

    @pytest.mark.parametrize("people", [1, 40])
    def test_costs_four_statements_for_any_number_of_people(
        self, people: int, django_assert_num_queries: object
    ) -> None:
        for user in [make_user() for _ in range(people)]:
            for channel in Channel:
                make_preference(user, Kind.NEW_PRODUCT, channel, is_wanted=True)

        with transaction.atomic(), django_assert_num_queries(4):  # type: ignore[operator]
            services.tell_subscribers(message=make_message(Kind.NEW_PRODUCT), source="d1", at=NOON)

        assert Mail.objects.count() == people

    def test_tells_one_part_and_where_to_go_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(announcing, "_PART", 3)
        users = sorted((make_user() for _ in range(5)), key=lambda user: user.pk)
        for user in users:
            for channel in Channel:
                make_preference(user, Kind.NEW_PRODUCT, channel, is_wanted=True)
        message, parts = make_message(Kind.NEW_PRODUCT), []
        more: tuple[UUID, int] | None = None

        for _ in range(3):
            go_on = {"after": more[0], "told": more[1]} if more else {}
            with transaction.atomic():
                more = services.tell_subscribers(message=message, source="d1", at=NOON, **go_on)  # type: ignore[arg-type]
            parts.append(more)

        assert parts == [(users[1].pk, 2), (users[3].pk, 4), None]
        assert Notification.objects.count() == 5
        delays = [(mail.due_at - NOON).total_seconds() for mail in Mail.objects.order_by("due_at")]
        assert delays == [0.02, 0.04, 0.06, 0.08, 0.1]

    @pytest.mark.parametrize("statistics", STATISTICS)
    def test_looks_at_those_of_one_part_alone(self, statistics: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(announcing, "_PART", 100)
        usual = {"channel": "'email'", "user_id": "lpad(to_hex(n), 32, '0')::uuid"}
        others = usual | {"kind": "'welcome'", "is_wanted": "true"}
        pile_up(Preference, statistics=statistics, done=others, due=others | {"kind": "'new_product'"})

        with visits("notifications_preference") as seen, transaction.atomic():
            more = services.tell_subscribers(message=make_message(Kind.NEW_PRODUCT), source="d1", at=NOON)

        assert more == (UUID(int=100_099), 100)
        assert len(seen) == 3
        assert max(each.rows for each in seen) < 300

    def test_paces_the_mails_so_that_others_get_between(self) -> None:
        for user in (make_user(), make_user()):
            make_preference(user, Kind.NEW_PRODUCT, Channel.EMAIL, is_wanted=True)

        with transaction.atomic():
            services.tell_subscribers(message=make_message(Kind.NEW_PRODUCT), source="d1", at=NOON)

        delays = sorted((due - NOON).total_seconds() for due in Mail.objects.values_list("due_at", flat=True))
        assert delays == [0.02, 0.04]
