"""What the shop looks into by itself: when, what it finds, and who is told."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings
from structlog.testing import capture_logs

from config import books, inspecting, tasks
from config.queues import BULK, queue_of
from config.schedule import BEAT_SCHEDULE
from config.seeing import exposition, figures
from core import inspections
from core.models import Inspection
from core.tests.factories import NOON, make_audit_entry
from core.tests.threads import at_once
from inventory import selectors as stock_reads
from inventory.tests.factories import make_stock

pytestmark = pytest.mark.django_db(transaction=True)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def miscount() -> None:
    """Have the books of two variants say what no movement says."""
    for _ in range(2):
        make_stock(on_hand=5)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE inventory_stock SET on_hand = 7")


def miscount_elsewhere() -> None:
    """Do so in a transaction of another connection."""

    def work(_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE inventory_stock SET on_hand = 7")

    at_once(work, [None])


def tamper() -> None:
    """Have a row of the audit log say something else, as only the owner of the table can."""
    for number in range(3):
        make_audit_entry(number=number)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_auditentry DISABLE TRIGGER USER")
        cursor.execute("UPDATE core_auditentry SET action = 'nothing' WHERE position = 2")
        cursor.execute("ALTER TABLE core_auditentry ENABLE TRIGGER USER")


def values() -> dict[str, dict[tuple[str, ...], float]]:
    return exposition._values(figures.read_figures())


class TestVerifyBooks:
    def test_compares_what_was_committed_at_one_moment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        make_stock(on_hand=5)
        look = stock_reads.find_differences

        def look_twice(*, now: datetime) -> list[str]:
            first = [*look(now=now)]
            miscount_elsewhere()
            return [*first, *look(now=now)]

        monkeypatch.setattr(stock_reads, "find_differences", look_twice)

        assert books.find_differences(now=NOON) == []
        monkeypatch.undo()
        assert len(books.find_differences(now=NOON)) == 1

    def test_finds_what_the_command_finds_and_tells_every_process(self) -> None:
        miscount()
        with pytest.raises(CommandError) as refused:
            call_command("verify_books", at=NOON)

        with capture_logs() as lines:
            inspecting.verify_books(now=NOON)

        (line,) = lines
        assert (line["event"], line["log_level"]) == ("books disagree", "error")
        assert str(refused.value) == f"{line['found']} differences"
        assert line["first"] == books.find_differences(now=NOON)
        assert values()["books"] == {(): line["found"]}
        assert values()["books_at"] == {(): NOON.timestamp()}

    def test_says_nothing_where_they_agree(self) -> None:
        with capture_logs() as lines:
            inspecting.verify_books(now=NOON)

        assert lines == []
        assert values()["books"] == {(): 0}

    def test_lets_its_statements_take_as_long_as_they_take_and_no_others(self) -> None:
        def limit() -> str:
            with connection.cursor() as cursor:
                cursor.execute("SHOW statement_timeout")
                return str(cursor.fetchone()[0])

        before = limit()

        with books._at_one_moment():
            meanwhile = limit()

        assert (meanwhile, limit()) == ("0", before)
        assert before != "0"


class TestVerifyAudit:
    def test_finds_what_the_command_finds(self) -> None:
        tamper()
        with pytest.raises(CommandError) as refused:
            call_command("verify_audit")

        with capture_logs() as lines:
            inspecting.verify_audit(now=NOON)

        (line,) = lines
        assert (line["event"], line["log_level"]) == ("audit log broken", "error")
        assert str(refused.value) == f"{line['found']} breaks"
        assert values()["audit"] == {(): line["found"]}
        assert values()["audit_at"] == {(): NOON.timestamp()}


class TestClaim:
    def test_is_given_once_a_day(self) -> None:
        inspecting.verify_books(now=NOON)
        miscount()

        inspecting.verify_books(now=NOON + HOUR)
        early = values()["books"]
        inspecting.verify_books(now=NOON + DAY)

        assert early == {(): 0}
        assert values()["books"][()] > 0

    def test_is_given_to_one_of_two_and_again_when_that_one_does_not_end(self) -> None:
        claims = [inspections.claim(name="books", now=NOON + hours * HOUR) for hours in (0, 0, 3, 4)]

        assert claims == [True, False, False, True]

    def test_of_one_leaves_the_others_due(self) -> None:
        inspecting.verify_books(now=NOON)
        inspecting.verify_audit(now=NOON)

        assert set(Inspection.objects.values_list("name", flat=True)) == {"books", "audit"}

    def test_is_asked_for_each_hour_where_nothing_urgent_waits_behind_it(self) -> None:
        asked = {entry["task"]: entry["schedule"] for entry in BEAT_SCHEDULE.values()}

        for task in (tasks.verify_books, tasks.verify_audit):
            assert asked[task.name] == HOUR.total_seconds()
            assert queue_of(task.name) == BULK


class TestNote:
    def test_keeps_the_latest_whatever_the_order(self) -> None:
        inspections.note(name="backup", found=0, at=NOON)
        inspections.note(name="backup", found=3, at=NOON - HOUR)

        (known,) = inspections.list_inspections()
        assert (known.good_at, known.found) == (NOON, 0)

    def test_of_backups_is_shown_where_there_are_or_should_be_some(self, settings: Settings) -> None:
        nobody_wants_any = values().get("backup_at")
        settings.BACKUP_FOLLOWS = True
        none_yet = values()["backup_at"]
        settings.BACKUP_FOLLOWS = False
        inspections.note(name="backup", found=0, at=NOON)

        assert nobody_wants_any is None
        assert none_yet == {(): 0}
        assert values()["backup_at"] == {(): NOON.timestamp()}

    def test_of_what_was_never_looked_into_is_a_time_long_ago(self) -> None:
        assert (values()["books_at"], values()["audit_at"]) == ({(): 0}, {(): 0})
