from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from config.opening import open_shop


class Command(BaseCommand):
    help = "Make what every shop needs and this one lacks: the default market, place and roles. Safe to repeat."

    def handle(self, **_: Any) -> None:
        open_shop(at=timezone.now())
        self.stdout.write("The shop has its default market, its default place and its roles.")
