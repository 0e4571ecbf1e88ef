"""``manage.py restore``: the shop as it was, to the second."""

from __future__ import annotations

import contextlib
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from config import embedded
from config.backups import keeping, media, restoring
from config.backups.errors import BackupRefused
from config.backups.manifest import choose_backup, fingerprints
from config.backups.recovering import Source


class Command(BaseCommand):
    """See docs/runbooks/restore.md."""

    help = "Bring the shop back from BACKUP_URL: the embedded database, or a data directory for a server of your own."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the moment, the place, and how bold to be."""
        parser.add_argument("--to", type=_moment, help="the moment to come back to (ISO 8601); else the end of the log")
        parser.add_argument("--base", default="", help="the base backup to begin with; else the newest that fits")
        parser.add_argument("--timeline", default="latest", help="the time line to follow (PostgreSQL's)")
        parser.add_argument("--pgdata", type=Path, help="make a data directory there, for a server of your own")
        parser.add_argument("--identity", type=Path, help="a file with the secret key that opens sealed backups")
        parser.add_argument("--force", action="store_true", help="set aside the database that stands there")
        parser.add_argument("--accept-differences", action="store_true", help="take it even if its books do not agree")
        parser.add_argument("--drill", action="store_true", help="only rehearse: touch nothing, tell whether it works")

    def handle(self, **options: Any) -> None:
        """Refuse in one line, or bring it back and say what came."""
        try:
            outcome = self._restore(**options)
        except embedded.Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(outcome.books)
        if not outcome.agree:
            raise CommandError("the books of what came back do not agree")
        self.stdout.write(
            f"From {outcome.base} with {outcome.pieces} pieces of the log, to {outcome.last_commit}, "
            f"in {outcome.seconds:.1f} s."
        )

    def _restore(self, **options: Any) -> restoring.Outcome:
        to: datetime | None = options["to"]
        store, programs = keeping.our_store(), keeping.programs()
        manifest = choose_backup(store, name=options["base"], to=to)
        source = Source(
            store, keeping.our_seal(identities=_identities(options["identity"])), manifest, to, options["timeline"]
        )
        if options["drill"]:
            return restoring.rehearse(source, programs=programs, say=self.stdout.write)
        how = {"force": options["force"], "differences": options["accept_differences"], "programs": programs}
        if options["pgdata"]:
            self._refuse_foreign_keys(source)
            target = options["pgdata"].expanduser().resolve()
            if (target / "postmaster.pid").exists():
                raise BackupRefused(f"{target} is in use, or was not stopped in good order: stop its server first")
            outcome = restoring.restore(source, target, say=self.stdout.write, **how)
        else:
            outcome = self._restore_embedded(source, how)
        brought = media.restore_media(store=store, seal=source.seal, to=to)
        self.stdout.write(f"{brought} files of media brought back.")
        return outcome

    def _restore_embedded(self, source: Source, how: dict[str, Any]) -> restoring.Outcome:
        data: Path = settings.DATA
        if settings.DATABASES["default"].get("HOST") != str(embedded.socket_folder(data)):
            raise BackupRefused("DATABASE_URL names a server of yours: say by --pgdata where its data directory goes")
        with restoring.stopped(data):
            if not (data / "postgres").exists() and restoring.bring_keys(source, data):
                self.stdout.write("The data folder's keys are back.")
            else:
                self._refuse_foreign_keys(source)
            outcome = restoring.restore(source, data / "postgres", say=self.stdout.write, **how)
            # It belongs to the past that was left.
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(data / "backup-spool")
        return outcome

    def _refuse_foreign_keys(self, source: Source) -> None:
        missing = restoring.missing_keys(source.manifest, fingerprints(settings.FIELD_KEYS))
        if missing:
            raise BackupRefused(
                f"sealed fields were written under keys that are not here ({', '.join(missing)}): set FIELD_KEYS, "
                f"or put the secrets.json of that time into {settings.DATA}"
            )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else timezone.make_aware(moment)


def _identities(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return ()
    lines = (line.strip() for line in path.read_text().splitlines())
    return tuple(line.removeprefix("BACKUP_IDENTITIES=") for line in lines if "AGE-SECRET-KEY" in line)
