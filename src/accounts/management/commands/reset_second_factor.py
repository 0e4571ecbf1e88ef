"""Let someone in without their authenticator app: for the last administrator, who has nobody to ask."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import selectors, services


class Command(BaseCommand):
    """``manage.py reset_second_factor ada@example.com``."""

    help = "Remove the second factor of an account; its sign-ins end."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *_: Any, email: str, **__: Any) -> None:
        user = selectors.find_user(email=email)
        if user is None:
            raise CommandError("There is no such account.")
        services.forget_second_factor(user_id=user.pk, at=timezone.now())
        self.stdout.write("The second factor is removed, and all sign-ins have ended.")
