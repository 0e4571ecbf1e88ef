"""``manage.py replay_erasures``: whoever was erased is erased again, after the shop came back from before."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.backups import keeping
from config.erasing import replay_erasures


class Command(BaseCommand):
    """What ``restore`` runs before anybody is let in; as often as one likes. See docs/runbooks/restore.md."""

    help = "Erase again whoever the backups know to be erased, and is there."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whose erasures they are."""
        parser.add_argument("--system", default="", help="PostgreSQL's identifier of the cluster; else that of ours")

    def handle(self, *, system: str, **_: Any) -> None:
        """Say how many that were, and what is still owed to them."""
        erased, owed = replay_erasures(keeping.erased_people(system=system))
        if erased:
            self.stdout.write(f"Erased again: {erased}.")
        if owed:
            self.stdout.write(f"Of what follows from that, {owed} will be tried again by the workers.")
