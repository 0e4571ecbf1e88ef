from __future__ import annotations

import contextlib

import pytest
from django.db import IntegrityError

from core.models import OutboxEvent
from core.tests.factories import NOON
from core.transactions import HalfDone, NoTransaction, command, hosted, in_transaction, step


@step
def write_step() -> None:
    OutboxEvent.objects.create(name="tests.step", payload={}, occurred_at=NOON)


@command
def write_command(*, fails: bool = False) -> str:
    write_step()
    if fails:
        raise ValueError("on purpose")
    return "done"


@command
def nesting_command() -> None:
    write_command()


@pytest.mark.django_db
class TestCommand:
    def test_runs_in_a_transaction_of_its_own(self) -> None:
        assert write_command() == "done"
        assert OutboxEvent.objects.count() == 1

    def test_undoes_all_when_it_fails(self) -> None:
        with pytest.raises(ValueError, match="on purpose"):
            write_command(fails=True)

        assert not OutboxEvent.objects.exists()

    def test_refuses_to_nest(self) -> None:
        with pytest.raises(RuntimeError, match="durable"):
            nesting_command()

        assert not OutboxEvent.objects.exists()


@pytest.mark.django_db
class TestStep:
    def test_refuses_to_run_alone(self) -> None:
        with pytest.raises(NoTransaction, match="write_step"):
            write_step()

        assert not OutboxEvent.objects.exists()

    def test_refuses_to_run_in_a_host_outside_its_command(self) -> None:
        with pytest.raises(NoTransaction), hosted():
            write_step()


@pytest.mark.django_db
class TestInTransaction:
    def test_does_not_count_the_transaction_of_a_test_case(self) -> None:
        assert not in_transaction()
        assert command(in_transaction)()


@pytest.mark.django_db
class TestHosted:
    def test_commits_the_command_with_what_stands_beside_it(self) -> None:
        with hosted():
            write_command()
            OutboxEvent.objects.create(name="tests.beside", payload={}, occurred_at=NOON)

        assert OutboxEvent.objects.count() == 2

    def test_undoes_both_when_the_host_fails_after_the_command(self) -> None:
        with pytest.raises(IntegrityError), hosted():  # noqa: PT012 - what stands beside the command is the point
            write_command()
            raise IntegrityError("at the end")

        assert not OutboxEvent.objects.exists()

    def test_refuses_a_second_command(self) -> None:
        with pytest.raises(RuntimeError, match="durable"), hosted():  # noqa: PT012 - the second of two
            write_command()
            write_command()

        assert not OutboxEvent.objects.exists()

    def test_refuses_to_commit_what_a_failed_command_left_behind(self) -> None:
        with pytest.raises(HalfDone), hosted(), contextlib.suppress(ValueError):
            write_command(fails=True)

        assert not OutboxEvent.objects.exists()

    def test_ends_with_its_block(self) -> None:
        with hosted():
            write_command()

        assert write_command() == "done"
