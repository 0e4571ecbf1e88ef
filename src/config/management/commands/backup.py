"""``manage.py backup``: a base backup now, or the store kept up to date, or is all well?"""

from __future__ import annotations

import signal
import sys
from typing import Any

import pyrage
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from config.backups import keeping
from config.backups.manifest import list_backups
from config.pulse import announce, beat_pulse


class Command(BaseCommand):
    """See docs/runbooks/restore.md."""

    help = "Back up the database and the media into BACKUP_URL (a folder, or an S3 bucket)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take one of the ways to be called."""
        one = parser.add_mutually_exclusive_group()
        one.add_argument("--follow", action="store_true", help="receive the log without end, and all else when due")
        one.add_argument("--list", action="store_true", help="the base backups that there are")
        one.add_argument("--check", action="store_true", help="fail if the shop could not be brought back")
        one.add_argument("--make-key", action="store_true", help="a pair of keys to seal backups with")

    def handle(self, *, follow: bool, check: bool, make_key: bool, **options: Any) -> None:
        """Do what was asked for; without any of it, make a base backup."""
        if follow:
            # As the first process of a container it would not be ended otherwise.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            announce("backup")
            keeping.follow(beat=beat_pulse)
        elif check:
            self._check()
        elif options["list"]:
            for each in list_backups(keeping.our_store()):
                self.stdout.write(f"{each.name}  {each.ended_at}  {each.size / 2**20:.1f} MB  system {each.system}")
        elif make_key:
            identity = pyrage.x25519.Identity.generate()
            self.stdout.write(f"BACKUP_RECIPIENTS={identity.to_public()}")
            self.stdout.write(f"BACKUP_IDENTITIES={identity}")
        else:
            made, gone = keeping.back_up(at=timezone.now())
            self.stdout.write(f"Base backup {made.name}: {made.size / 2**20:.1f} MB; {len(gone)} old ones removed.")

    def _check(self) -> None:
        faults = keeping.find_faults(at=timezone.now())
        for fault in faults:
            self.stderr.write(fault)
        if faults:
            raise CommandError(f"{len(faults)} faults")
        self.stdout.write("The shop can be brought back.")
