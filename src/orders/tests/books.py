"""The books of the shop, for tests."""

from __future__ import annotations

from django.core.management import call_command

from inventory.tests.factories import NOON


def books_agree() -> None:
    """Re-derive every balance, as of the tests' noon.

    :raises CommandError: something differs
    """
    call_command("verify_books", at=NOON)
