from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from accounts.tests.factories import client_of, make_user
from core.ids import new_id
from notifications import selectors
from notifications.domain import Channel, Kind
from notifications.models import Notification, Preference
from notifications.tests.factories import NOON, make_notification

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/notifications"
SOME_ID = "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"
CLOSED = [
    ("get", ""),
    ("get", f"/{SOME_ID}"),
    ("delete", f"/{SOME_ID}"),
    ("post", f"/{SOME_ID}/read"),
    ("post", "/read"),
    ("post", "/delete"),
    ("get", "/unread-count"),
    ("get", "/preferences"),
    ("put", "/preferences"),
    ("patch", "/preferences"),
]


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_nobody_is_let_in(method: str, path: str) -> None:
    answer = getattr(client_of(), method)(ROOT + path, {}, format="json")

    assert answer.status_code == 401
    assert answer.json()["code"].startswith(("core.unauthenticated", "accounts."))


class TestList:
    def test_shows_ones_own_newest_first_with_the_unread_count(self) -> None:
        user = make_user()
        make_notification()
        old = make_notification(user, read_at=NOON)
        new = make_notification(user, data={"order_id": SOME_ID})

        body = client_of(user).get(ROOT).json()

        assert (body["count"], body["unread_count"], body["next"]) == (2, 1, None)
        assert [row["id"] for row in body["results"]] == [str(new.pk), str(old.pk)]
        assert body["results"][0] == {
            "id": str(new.pk),
            "kind": "welcome",
            "title": "Welcome",
            "body": "",
            "data": {"order_id": SOME_ID},
            "is_read": False,
            "read_at": None,
            "created_at": body["results"][0]["created_at"],
        }
        assert body["results"][1]["read_at"] == "2026-03-02T12:00:00Z"

    def test_filters_by_whether_it_was_read(self) -> None:
        user = make_user()
        read, unread = make_notification(user, read_at=NOON), make_notification(user)
        client = client_of(user)

        ids = {wanted: client.get(f"{ROOT}?unread={wanted}").json()["results"] for wanted in ("true", "false")}

        assert [row["id"] for row in ids["true"]] == [str(unread.pk)]
        assert [row["id"] for row in ids["false"]] == [str(read.pk)]

    def test_walks_by_cursor_without_gaps(self) -> None:
        user = make_user()
        made = {str(make_notification(user).pk) for _ in range(5)}
        client, address, seen = client_of(user), f"{ROOT}?size=2&cursor=", []

        while address:
            page = client.get(address).json()
            seen += [row["id"] for row in page["results"]]
            address = page["next"]

        assert len(seen) == 5
        assert set(seen) == made

    @pytest.mark.parametrize(
        "query", ["unread=1", "unread=", "colour=red", "page=0", "size=101", "cursor=x", "unread=true&unread=false"]
    )
    def test_refuses_what_it_does_not_know(self, query: str) -> None:
        answer = client_of(make_user()).get(f"{ROOT}?{query}")

        assert answer.status_code == 400

    @pytest.mark.parametrize("rows", [1, 15])
    def test_costs_the_same_for_any_number_of_rows(self, rows: int, django_assert_num_queries: Any) -> None:
        user = make_user()
        for _ in range(rows):
            make_notification(user)
        client = client_of(user)

        # Who asks, the page, the unread count.
        with django_assert_num_queries(3):
            body = client.get(ROOT).json()

        assert len(body["results"]) == rows


class TestOne:
    def test_can_be_seen_read_and_deleted_by_its_owner(self) -> None:
        note = make_notification()
        client = client_of(note.user)

        seen = client.get(f"{ROOT}/{note.pk}")
        read = client.post(f"{ROOT}/{note.pk}/read")
        deleted = client.delete(f"{ROOT}/{note.pk}")

        assert (seen.status_code, read.status_code, deleted.status_code) == (200, 200, 204)
        assert (seen.json()["is_read"], read.json()["is_read"]) == (False, True)
        assert not Notification.objects.exists()

    @pytest.mark.parametrize(("method", "path"), [("get", ""), ("delete", ""), ("post", "/read")])
    @pytest.mark.parametrize("is_staff", [False, True])
    def test_s01_is_not_there_for_a_stranger(self, method: str, path: str, is_staff: bool) -> None:
        note = make_notification()
        stranger = make_user(is_staff=is_staff, is_superuser=is_staff)

        answer = getattr(client_of(stranger), method)(f"{ROOT}/{note.pk}{path}")

        note.refresh_from_db()
        assert (answer.status_code, answer.json()["code"]) == (404, "notifications.not_found")
        assert note.read_at is None

    @pytest.mark.parametrize("key", ["x", "0", "%00", "%ff", "a" * 2000, "..", SOME_ID, "-1"])
    @pytest.mark.parametrize("path", ["", "/read"])
    def test_is_not_there_under_a_name_that_is_none(self, key: str, path: str) -> None:
        client = client_of(make_user())

        answer = client.post(f"{ROOT}/{key}{path}") if path else client.get(f"{ROOT}/{key}")

        assert answer.status_code in {400, 404}


class TestMany:
    def test_reads_and_deletes_those_named(self) -> None:
        user = make_user()
        first, second = make_notification(user), make_notification(user)
        client = client_of(user)

        read = client.post(f"{ROOT}/read", {"ids": [str(first.pk)]}, format="json")
        deleted = client.post(f"{ROOT}/delete", {"ids": [str(second.pk)]}, format="json")

        assert read.json() == {"changed": 1, "unread_count": 1}
        assert deleted.json() == {"changed": 1, "unread_count": 0}
        assert Notification.objects.get() == first

    def test_reads_and_deletes_all_of_ones_own(self) -> None:
        user, foreign = make_user(), make_notification()
        for _ in range(3):
            make_notification(user)
        client = client_of(user)

        read = client.post(f"{ROOT}/read", {"all": True}, format="json")
        count = client.get(f"{ROOT}/unread-count").json()
        deleted = client.post(f"{ROOT}/delete", {"all": True}, format="json")

        assert read.json() == {"changed": 3, "unread_count": 0}
        assert count == {"unread_count": 0}
        assert deleted.json() == {"changed": 3, "unread_count": 0}
        assert Notification.objects.get() == foreign

    def test_s01_does_not_touch_those_of_others(self) -> None:
        foreign = make_notification()
        client = client_of(make_user())

        answers = [
            client.post(f"{ROOT}/{path}", {"ids": [str(foreign.pk)]}, format="json").json()
            for path in ("read", "delete")
        ]

        foreign.refresh_from_db()
        assert [answer["changed"] for answer in answers] == [0, 0]
        assert foreign.read_at is None

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"all": False},
            {"all": "true"},
            {"all": True, "ids": [SOME_ID]},
            {"ids": []},
            {"ids": SOME_ID},
            {"ids": ["x"]},
            {"ids": [None]},
            {"ids": [SOME_ID] * 101},
            {"all": True, "user": SOME_ID},
        ],
    )
    @pytest.mark.parametrize("path", ["read", "delete"])
    def test_refuses_what_says_neither_or_both(self, path: str, body: dict[str, Any]) -> None:
        note = make_notification()

        answer = client_of(note.user).post(f"{ROOT}/{path}", body, format="json")

        note.refresh_from_db()
        assert answer.status_code == 400
        assert note.read_at is None

    def test_replays_the_first_answer_for_one_key(self) -> None:
        note = make_notification()
        client = client_of(note.user)

        answers = [
            client.post(f"{ROOT}/read", {"all": True}, format="json", headers={"Idempotency-Key": "k1"})
            for _ in range(2)
        ]

        assert [answer.json()["changed"] for answer in answers] == [1, 1]
        assert answers[1]["Idempotent-Replayed"] == "true"


class TestPreferences:
    def test_shows_the_defaults_for_a_customer(self) -> None:
        body = client_of(make_user()).get(f"{ROOT}/preferences").json()

        assert body["preferences"]["new_product"] == {"in_app": False, "email": False}
        assert body["preferences"]["verify_email"] == {"email": True}
        assert "staff_new_order" not in body["preferences"]
        assert set(body["always_sent"]) == {
            "verify_email",
            "password_reset",
            "password_changed",
            "order_placed",
            "order_moved",
            "order_fulfilled",
            "order_edited",
            "order_to_pay",
            "refund_sent",
            "return_moved",
            "withdrawal_declared",
            "withdrawal_confirmed",
            "gift_card_sent",
        }

    def test_takes_back_what_it_gave(self) -> None:
        client = client_of(make_user(is_staff=True))
        given = client.get(f"{ROOT}/preferences").json()

        answer = client.put(f"{ROOT}/preferences", {"preferences": given["preferences"]}, format="json")

        assert (answer.status_code, answer.json()) == (200, given)

    def test_patch_changes_nothing_where_nothing_is_named_but_put_must_say(self) -> None:
        client = client_of(make_user())

        answers = [getattr(client, method)(f"{ROOT}/preferences", {}, format="json") for method in ("patch", "put")]

        assert [answer.status_code for answer in answers] == [200, 400]

    def test_patch_changes_some_and_put_resets_the_rest(self) -> None:
        client = client_of(make_user())

        patched = client.patch(f"{ROOT}/preferences", {"preferences": {"welcome": {"email": False}}}, format="json")
        put = client.put(f"{ROOT}/preferences", {"preferences": {"new_product": {"email": True}}}, format="json")

        assert patched.json()["preferences"]["welcome"] == {"in_app": True, "email": False}
        assert put.json()["preferences"]["welcome"] == {"in_app": True, "email": True}
        assert put.json()["preferences"]["new_product"] == {"in_app": False, "email": True}

    @pytest.mark.parametrize("method", ["put", "patch"])
    @pytest.mark.parametrize(
        ("wishes", "code"),
        [
            ({"order_moved": {"email": False}}, "notifications.always_sent"),
            ({"staff_new_order": {"in_app": True}}, "notifications.no_such_preference"),
            ({"verify_email": {"in_app": True}}, "notifications.no_such_preference"),
        ],
    )
    def test_refuses_by_the_rules(self, method: str, wishes: dict[str, Any], code: str) -> None:
        client = client_of(make_user())

        answer = getattr(client, method)(f"{ROOT}/preferences", {"preferences": wishes}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert not Preference.objects.exists()

    @pytest.mark.parametrize(
        "body",
        [
            {"preferences": None},
            {"preferences": []},
            {"preferences": {"carrier_pigeon": {"email": True}}},
            {"preferences": {"welcome": {"fax": True}}},
            {"preferences": {"welcome": {"email": "yes"}}},
            {"preferences": {"welcome": {"email": None}}},
            {"preferences": {}, "user": SOME_ID},
            {"preferences": {}, "always_sent": []},
        ],
    )
    def test_s03_refuses_what_the_schema_does_not_know(self, body: dict[str, Any]) -> None:
        answer = client_of(make_user()).patch(f"{ROOT}/preferences", body, format="json")

        assert answer.status_code == 400
        assert not Preference.objects.exists()


class TestUnsubscribe:
    def test_needs_no_sign_in(self) -> None:
        user = make_user()
        token = selectors.unsubscribe_url(user_id=user.pk, kind=Kind.NEW_PRODUCT).rpartition("/")[2]

        answer = client_of().post(f"{ROOT}/unsubscribe", {"token": token}, format="json")

        assert (answer.status_code, answer.json()) == (200, {"kind": "new_product", "channel": "email"})
        assert selectors.choices(user_ids=[user.pk]) == {(user.pk, "new_product", Channel.EMAIL.value): False}

    @pytest.mark.parametrize(
        ("body", "status"),
        [({"token": "forged:x:y"}, 422), ({"token": "x" * 201}, 400), ({"token": 5}, 400), ({}, 400)],
    )
    def test_refuses_a_forged_token(self, body: dict[str, Any], status: int) -> None:
        answer = client_of().post(f"{ROOT}/unsubscribe", body, format="json")

        assert answer.status_code == status
        assert not Preference.objects.exists()

    def test_a04_takes_the_token_of_one_for_that_one_only(self) -> None:
        mine, other = make_user(), make_user()
        token = selectors.unsubscribe_url(user_id=other.pk, kind=Kind.WELCOME).rpartition("/")[2]

        answer = client_of(mine).post(f"{ROOT}/unsubscribe", {"token": token}, format="json")

        assert answer.status_code == 200
        assert set(Preference.objects.values_list("user_id", flat=True)) == {other.pk}


def test_ids_are_of_version_7() -> None:
    assert UUID(str(make_notification().pk)).version == new_id().version == 7
