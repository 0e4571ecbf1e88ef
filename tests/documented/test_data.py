"""What the pages say of the data that the shop holds is so: of which class, sealed, append-only, how long kept."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection

from core.fields import SealedBytesField, SealedField
from notifications.domain import KEEP_FAILED_MAIL, KEEP_SENT_MAIL
from tests.documented.pages import codes, section, table
from tests.journeys.test_exporting import BESIDE, SHOWN, leading_to_people

MODELS = {
    model._meta.db_table: model
    for model in apps.get_models(include_auto_created=True)
    if ".tests." not in model.__module__
}
# What lets one in, or pays, in whatever form it is kept.
SECRET = {"password", "secret", "token", "guest_token", "token_digest", "code_digest", "session_key"}
_APPEND_ONLY = """
SELECT DISTINCT relname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid JOIN pg_proc p ON p.oid = tgfoid
 WHERE proname = 'core_refuse_change' AND relname NOT LIKE '%\\_tests\\_%' AND NOT tgisinternal"""


def columns(name: str, *, sealed: bool = False) -> set[str]:
    fields = MODELS[name]._meta.concrete_fields if name in MODELS else []
    return {f.column for f in fields if not sealed or isinstance(f, SealedField | SealedBytesField)}


def is_secret(name: str) -> bool:
    """Tell whether a table has what lets one in: by the names of columns, and sealed bodies, which may hold it."""
    has_digest = name.startswith("accounts_") and "digest" in columns(name)
    return bool(columns(name) & SECRET) or has_digest or "body" in columns(name, sealed=True)


class TestTables:
    ROWS = {codes(row[0])[0]: row for row in table("data.md", "Data, table by table", first="table")}
    CLASSES = {name: set(row[1].split(", ")) for name, row in ROWS.items()}

    @pytest.mark.django_db
    def test_are_all_of_the_database(self) -> None:
        of_tests = {model._meta.db_table for model in apps.get_models() if ".tests." in model.__module__}

        there_are = set(connection.introspection.table_names()) - of_tests

        assert self.ROWS.keys() == there_are

    def test_are_of_classes_of_which_is_said_what_they_need(self) -> None:
        said = {row[0] for row in table("security.md", "Data", first="class") if row[0]}

        assert {one for each in self.CLASSES.values() for one in each} == {
            name.removeprefix("for the ") for name in said
        }

    def test_that_let_one_in_are_secret(self) -> None:
        assert {name for name in MODELS if is_secret(name)} == {
            name for name, classes in self.CLASSES.items() if "secret" in classes
        }

    def test_that_lead_to_people_are_personal(self) -> None:
        labels = leading_to_people() | SHOWN.keys() | BESIDE.keys()
        people = {name for name, model in MODELS.items() if model._meta.label in labels}
        between = {"accounts_user_groups", "accounts_user_user_permissions", "django_session"}

        personal = {name for name, classes in self.CLASSES.items() if "personal" in classes}

        assert personal == people | between

    def test_are_sealed_where_the_page_says(self) -> None:
        assert {name: set(codes(row[2])) for name, row in self.ROWS.items()} == {
            name: columns(name, sealed=True) for name in self.ROWS
        }

    def test_that_are_sealed_are_secret_or_personal(self) -> None:
        sealed = {name for name in MODELS if columns(name, sealed=True)}

        assert [name for name in sealed if not self.CLASSES[name] & {"secret", "personal"}] == []

    @pytest.mark.django_db
    def test_are_append_only_where_the_page_says(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_APPEND_ONLY)
            found = {name for (name,) in cursor.fetchall()}

        assert {name for name, row in self.ROWS.items() if row[3] == "yes"} == found & self.ROWS.keys()
        assert found & MODELS.keys() == found & self.ROWS.keys()
        assert [name for name in found & MODELS.keys() if not self.CLASSES[name] & {"books", "public", "play"}] == []


class TestTimes:
    ROWS = table("security.md", "Data", first="class")

    def test_for_which_data_are_kept_are_those_of_the_page(self) -> None:
        said = " ".join(row[-1] for row in self.ROWS)
        days = [timedelta(days=int(found)) for found in re.findall(r"(\d+) days\b", said)]
        failed = [timedelta(days=int(found)) for found in re.findall(r"failed ones (\d+)", said)]

        assert days == [settings.REFRESH_TOKEN_TTL, KEEP_SENT_MAIL, settings.ABANDONED_CART_TTL]
        assert failed == [KEEP_FAILED_MAIL]
        assert f"{settings.SESSION_COOKIE_AGE // 3600} hours at most" in said

    def test_that_the_clock_ends_are_ended_by_it(self) -> None:
        swept = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

        assert {
            "accounts.tasks.forget_spent_tokens", "notifications.tasks.forget_old", "carts.tasks.forget_abandoned",
            "core.tasks.forget_expired_keys", "core.tasks.sweep_files", "payments.tasks.forget_declines",
        } <= swept  # fmt: skip
        assert "BACKUP_KEEP_DAYS" in codes(section("security.md", "Data"))
