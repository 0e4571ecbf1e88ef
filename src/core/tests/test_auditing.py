from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from core import auditing, tasks
from core.acting import Actor, acting, acting_as
from core.ids import new_id
from core.models import AuditEntry, OutboxEvent
from core.tests.factories import make_audit_entry
from core.transactions import command, hosted

BOSS = Actor(
    user_id=UUID("0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"), via="api", request_id="r", path="POST /api/v1/things"
)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


_ADD_ROW = (
    "INSERT INTO core_auditentry SELECT 6, at, actor_id, via, request_id, path, action, details, hash,"
    " repeat('a', 64) FROM core_auditentry WHERE position = 5"
)


class Size(Enum):
    SMALL = "small"


@dataclass(frozen=True)
class Words:
    text: str


@command
def rename(*, thing_id: UUID, name: str, fail: bool = False, **_: Any) -> None:
    OutboxEvent.objects.create(id=thing_id, name=name, payload={}, occurred_at=NOON)
    if fail:
        raise RuntimeError("half way")


def host_that_fails_later() -> None:
    with hosted():
        rename(thing_id=new_id(), name="a")
        raise ValueError("later")


@command
@auditing.unnoted
def count_try() -> None:
    """Changes nothing that anyone decided."""


def said() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("position").values_list("action", "details"))


def tamper(statement: str, values: Any = ()) -> None:
    """Change the log as whoever owns the database could."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_auditentry DISABLE TRIGGER USER")
        cursor.execute(statement, values)
        cursor.execute("ALTER TABLE core_auditentry ENABLE TRIGGER USER")


@pytest.mark.django_db
class TestNote:
    def test_s52_writes_down_what_staff_have_carried_out(self) -> None:
        thing = new_id()

        with acting_as(BOSS):
            rename(thing_id=thing, name="secret words", size=Size.SMALL, price=Decimal("1.50"), at=NOON, most=3)

        row = AuditEntry.objects.get()
        assert (row.actor_id, row.via, row.request_id, row.path) == (BOSS.user_id, "api", "r", BOSS.path)
        assert row.action == "core.tests.test_auditing.rename"
        assert f'"thing_id":"{thing}"' in row.details
        assert '"size":"SMALL"' in row.details
        assert '"price":"1.50"' in row.details
        assert '"name":"…"' in row.details
        assert acting() is None

    @pytest.mark.parametrize(
        "value",
        ["p4ssw0rd", b"p4ssw0rd", Words("p4ssw0rd"), ["p4ssw0rd"], {"k": "p4ssw0rd"}, {"k": {"a": "p4ssw0rd"}}],
        ids=str,
    )
    def test_s41_keeps_no_text_that_anyone_wrote(self, value: Any) -> None:
        assert "p4ssw0rd" not in make_audit_entry(given=value, many=[value], within={"deep": [value]}).details

    def test_writes_nothing_where_nobody_of_the_staff_acts(self) -> None:
        with CaptureQueriesContext(connection) as asked:
            rename(thing_id=new_id(), name="a")

        assert not [query for query in asked if "audit" in query["sql"]]

    def test_costs_two_statements(self) -> None:
        make_audit_entry()
        with acting_as(BOSS), CaptureQueriesContext(connection) as asked:
            rename(thing_id=new_id(), name="a")

        assert len([query for query in asked if "core_audit" in query["sql"]]) == 2

    def test_s52_goes_back_with_the_change(self) -> None:
        with acting_as(BOSS), pytest.raises(RuntimeError):
            rename(thing_id=new_id(), name="a", fail=True)
        with acting_as(BOSS), pytest.raises(ValueError, match="later"):
            host_that_fails_later()

        assert not OutboxEvent.objects.exists()
        assert said() == []

    def test_leaves_out_what_is_nobodys_action(self) -> None:
        with acting_as(BOSS):
            count_try()

        assert said() == []


@pytest.mark.django_db
class TestVerify:
    @pytest.fixture(autouse=True)
    def _five(self) -> None:
        for number in range(5):
            make_audit_entry(number=number)

    def test_holds_as_it_was_written(self) -> None:
        assert list(auditing.find_breaks()) == []
        assert auditing.head()[0] == 5

    def test_s52_tells_the_log_its_head_which_a_chain_made_anew_does_not_hold(self) -> None:
        with capture_logs() as lines:
            tasks.tell_audit_head()
        (told,) = lines
        verify = partial(call_command, "verify_audit", f"--head={told['head']}")
        verify()
        tamper("DELETE FROM core_auditentry")
        tamper("DELETE FROM core_audithead")
        for number in range(6):
            make_audit_entry(number=-number)

        with pytest.raises(CommandError, match="break"):
            verify()

        assert (told["event"], told["head"].split(":")[0]) == ("audit head", "5")

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE core_auditentry SET details = '{}' WHERE position = 3",
            "UPDATE core_auditentry SET actor_id = gen_random_uuid() WHERE position = 5",
            "UPDATE core_auditentry SET at = at + interval '1 microsecond' WHERE position = 1",
            "UPDATE core_auditentry SET path = path || ' ' WHERE position = 2",
            "UPDATE core_auditentry SET position = position + 10 WHERE position = 5",
            "DELETE FROM core_auditentry WHERE position = 1",
            "DELETE FROM core_auditentry WHERE position = 3",
            "DELETE FROM core_auditentry WHERE position = 5",
            "DELETE FROM core_auditentry WHERE position >= 3",
            "DELETE FROM core_auditentry",
            "DELETE FROM core_audithead",
            _ADD_ROW,
        ],
    )
    def test_s52_finds_what_was_done_to_it(self, statement: str) -> None:
        tamper(statement)

        with pytest.raises(CommandError, match="break"):
            call_command("verify_audit")

    def test_s52_finds_two_that_changed_places(self) -> None:
        for old, new in ((4, 40), (5, 4), (40, 5)):
            tamper("UPDATE core_auditentry SET position = %s WHERE position = %s", [new, old])

        with pytest.raises(CommandError, match="break"):
            call_command("verify_audit")

    def test_s52_finds_a_chain_that_was_made_anew(self) -> None:
        kept = auditing.head()
        tamper("DELETE FROM core_auditentry")
        tamper("DELETE FROM core_audithead")
        for number in range(6):
            make_audit_entry(number=-number)

        assert list(auditing.find_breaks()) == []
        with pytest.raises(CommandError):
            call_command("verify_audit", f"--head={kept[0]}:{kept[1]}")
        with pytest.raises(CommandError):
            call_command("verify_audit", f"--head=99:{kept[1]}")

    @pytest.mark.parametrize("statement", ["UPDATE core_auditentry SET via = 'x'", "DELETE FROM core_auditentry"])
    def test_s52_is_refused_a_change_by_the_database(self, statement: str) -> None:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
class TestChain:
    def test_s52_is_one_chain_of_all_who_write_at_once(self) -> None:
        def act(number: int) -> None:
            try:
                with acting_as(BOSS):
                    rename(thing_id=new_id(), name=str(number))
            finally:
                connection.close()

        with ThreadPoolExecutor(max_workers=6) as staff:
            list(staff.map(act, range(24)))

        assert list(auditing.find_breaks()) == []
        assert auditing.head()[0] == 24

    def test_lets_staff_work_while_others_work(self) -> None:
        """The head is locked when the work is done: a command in the middle of its work holds up nobody."""

        @command
        def slow() -> None:
            with ThreadPoolExecutor(max_workers=1) as other:
                other.submit(quick).result(timeout=60)

        def quick() -> None:
            try:
                with acting_as(BOSS):
                    rename(thing_id=new_id(), name="quick")
            finally:
                connection.close()

        with acting_as(BOSS):
            slow()

        assert [action.rpartition(".")[2] for action, _ in said()] == ["rename", "slow"]
