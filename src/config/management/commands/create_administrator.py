from __future__ import annotations

import sys
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import services as accounts
from core.errors import DomainError


class Command(BaseCommand):
    help = "Make somebody who may do everything in the back office, such as the first one of a new shop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *, email: str, **_: Any) -> None:
        password = getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        try:
            accounts.create_staff(email=email, password=password, is_superuser=True, at=timezone.now())
        except DomainError as refusal:
            raise CommandError(f"{refusal.title} {refusal.facts or ''}".strip()) from refusal
        self.stdout.write(f"{email} may do everything.")
