"""The backups of this shop, as its settings want them."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID

import structlog
from django.conf import settings
from django.db import Error, connection
from django.utils import timezone
from psycopg_pool import PoolTimeout

from accounts import selectors as account_reads
from config.backups import media
from config.backups.erasures import Erasures, kept_erasures
from config.backups.following import SLOT, Follower
from config.backups.manifest import Manifest, fingerprints, list_backups
from config.backups.restoring import KEY_FILES
from config.backups.sealing import Seal
from config.backups.stores import Store, open_store
from config.backups.taking import forget_old, segments, system_of, take_base_backup
from config.backups.tools import Database
from config.backups.turns import Turn
from core import inspections

log = structlog.get_logger("nexus.backup")

_SECONDS_BETWEEN_TICKS = 2.0
_SECONDS_BETWEEN_LOOKS = 60.0
# So much of the log may wait to be received before that is an alarm.
_MOST_BYTES_BEHIND = 64 * 2**20
_CONTROL = "FROM pg_control_system() s, pg_control_checkpoint() c"
_SLOT_STATE = f"""
SELECT coalesce(bool_or(active), false), coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)
  FROM pg_replication_slots WHERE slot_name = '{SLOT}'"""  # nosec B608  # noqa: S608 - a constant of ours

_RECEIVED = f"""
SELECT coalesce(bool_or(restart_lsn >= '{{}}'), false) FROM pg_replication_slots WHERE slot_name = '{SLOT}'"""  # nosec B608  # noqa: S608


def our_store() -> Store:
    """Return where this shop's backups are."""
    return open_store(settings.BACKUP_URL)


def our_seal(*, identities: tuple[str, ...] = ()) -> Seal:
    """Return how this shop's backups are packed, with secret keys to open them, if there are."""
    return Seal(recipients=settings.BACKUP_RECIPIENTS, identities=[*settings.BACKUP_IDENTITIES, *identities])


def our_database() -> Database:
    """Return the database of the settings, as its owner has it where that is named."""
    return Database(settings.DATABASE_OWNER or settings.DATABASES["default"], programs=programs())


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs that the settings name."""
    return Path(settings.POSTGRES_PROGRAMS) if settings.POSTGRES_PROGRAMS else None


def erased_people(*, system: str = "") -> dict[UUID, datetime]:
    """Return account -> when it was erased, of those of this shop, or of a cluster by its identifier."""
    return kept_erasures(our_store(), system or system_of(our_database()))


def back_up(*, at: datetime) -> tuple[Manifest, list[str]]:
    """Make a base backup, bring the media up to date, forget what is too old; return it, and the names of those gone.

    :raises BackupRefused: it cannot be made
    """
    store, seal, keep = our_store(), our_seal(), timedelta(days=settings.BACKUP_KEEP_DAYS)
    manifest = take_base_backup(
        database=our_database(), store=store, seal=seal, field_keys=fingerprints(settings.FIELD_KEYS), at=at
    )
    if seal.closes:
        _put_keys(store, seal, manifest)
    media.copy_media(store=store, seal=seal, at=at)
    gone = forget_old(store=store, keep=keep, at=at)
    media.forget_media(store=store, before=at - keep)
    _note_reach(datetime.fromisoformat(manifest.ended_at))
    _carry_erasures(Erasures(store, lambda: manifest.system))
    return manifest, gone


def _carry_erasures(erasures: Erasures) -> None:
    """Keep who was erased. What the log brings back is none the worse where that cannot be done now."""
    try:
        erasures.carry(account_reads.erased_since(at=erasures.since))
    except Exception:
        log.exception("who was erased is not kept beside the backups; trying again")
    finally:
        connection.close()


@contextlib.contextmanager
def _carried_at_last(erasures: Erasures) -> Iterator[None]:
    try:
        yield
    finally:
        _carry_erasures(erasures)


def _note_reach(at: datetime) -> None:
    """Let the shop know the last moment that can be brought back. A backup is none the worse where it cannot."""
    try:
        inspections.note(name=inspections.BACKUP, found=0, at=at)
    except (Error, PoolTimeout):
        log.warning("the shop does not know how far its backups reach", exc_info=True)
    finally:
        connection.close()


def _put_keys(store: Store, seal: Seal, manifest: Manifest) -> None:
    """Keep the keys that the data folder made for itself: a shop that was given its keys has them elsewhere."""
    kept = {name: (settings.DATA / name).read_text() for name in KEY_FILES if (settings.DATA / name).exists()}
    seal.put(store, f"keys/{manifest.system}-{manifest.name}.json", BytesIO(json.dumps(kept).encode()))


def follow(*, until: Callable[[], bool] = lambda: False, beat: Callable[[], object] = lambda: None) -> None:
    """Keep the store up to date until told to stop: the log, and who was erased, at once, media each minute or as often
    as a twentieth of the time allows, a base backup when it is due.

    :param beat: called as long as the log is looked after, every few seconds unless the store is slow
    :raises BackupRefused: another does
    """
    store, seal = our_store(), our_seal()
    spool = settings.DATA / "backup-spool"
    follower = Follower(database=our_database(), store=store, seal=seal, spool=spool, beat=beat)
    reach = Reach(database=our_database(), store=store, follower=follower)
    erasures = Erasures(store, lambda: system_of(our_database()))
    reached, copied, based = (Turn(seconds=_SECONDS_BETWEEN_LOOKS) for _ in range(3))
    files: Future[object] | None = None
    base: Future[object] | None = None
    # The follower ends first: a copy that takes hours may be killed, what was received is carried.
    with (
        ThreadPoolExecutor(max_workers=2, thread_name_prefix="copies") as beside,
        follower.alone(),
        _carried_at_last(erasures),
    ):
        while not until():
            began = time.monotonic()
            beat()
            _carry_erasures(erasures)
            try:
                follower.tick()
                if copied.is_due() and (files is None or files.done()):
                    files = beside.submit(_copy_media, store, seal, copied)
                if reached.is_due():
                    with reached.taken():
                        reach.tell()
                if based.is_due() and (base is None or base.done()):
                    base = beside.submit(_back_up_if_due, store, based)
            except Exception:
                # A store that is away for a while is no reason to lose what was received: the spool holds it.
                log.exception("the store is not up to date; trying again")
            time.sleep(max(0.0, _SECONDS_BETWEEN_TICKS - (time.monotonic() - began)))


def _copy_media(store: Store, seal: Seal, turn: Turn) -> None:
    try:
        with turn.taken():
            media.copy_media(store=store, seal=seal, at=timezone.now())
    except Exception:
        log.exception("the media are not copied; trying again")


class Reach:
    """How far the store can bring the shop back: what the database had written at a moment, all of it carried since."""

    def __init__(self, *, database: Database, store: Store, follower: Follower) -> None:
        self._database, self._store, self._follower = database, store, follower
        self._mark: tuple[datetime, str] | None = None

    def tell(self) -> None:
        """Let the shop know, and set the next mark. Without a base backup, or with a hole in the log, it knows less."""
        if self._mark is not None and self._database.ask(_RECEIVED.format(self._mark[1]))[0]:
            self._follower.carry()
            system = system_of(self._database)
            own = [each for each in list_backups(self._store) if each.system == system]
            if own and not _gaps(self._store, own[-1]):
                _note_reach(self._mark[0])
            self._mark = None
        if self._mark is None:
            at, position = self._database.ask("SELECT clock_timestamp(), pg_current_wal_lsn()::text")
            self._mark = at, position


def _back_up_if_due(store: Store, turn: Turn) -> None:
    now = timezone.now()
    try:
        with turn.taken():
            is_due = _is_base_due(store, now)
        if is_due:
            manifest, _ = back_up(at=now)
            log.info("base backup made", name=manifest.name, megabytes=round(manifest.size / 2**20, 1))
    except Exception:
        log.exception("no base backup; trying again")


def _is_base_due(store: Store, now: datetime) -> bool:
    """Is the newest one too old, of another time line (the shop was restored, or a standby promoted), or cut off?"""
    database = our_database()
    system, timeline = database.ask("SELECT s.system_identifier, c.timeline_id " + _CONTROL)
    own = [each for each in list_backups(store) if each.system == str(system)]
    if not own:
        return True
    age = now - datetime.fromisoformat(own[-1].ended_at)
    is_elsewhere = int(own[-1].first_segment[:8], 16) != timeline
    return age >= timedelta(hours=settings.BACKUP_EVERY_HOURS) or is_elsewhere or bool(_gaps(store, own[-1]))


def find_faults(*, at: datetime) -> list[str]:
    """Return why this shop could not be brought back to any second of the time to keep: nothing, where all is well."""
    store, database = our_store(), our_database()
    system = system_of(database)
    own = [each for each in list_backups(store) if each.system == system]
    if not own:
        return ["there is no base backup"]
    faults = []
    age = at - datetime.fromisoformat(own[-1].ended_at)
    if age > timedelta(hours=2 * settings.BACKUP_EVERY_HOURS):
        faults.append(f"the newest base backup is {age.total_seconds() / 3600:.0f} hours old")
    faults += _gaps(store, own[-1])
    is_received, behind = database.ask(_SLOT_STATE)
    if not is_received:
        faults.append("nobody receives the log (backup --follow)")
    elif behind > _MOST_BYTES_BEHIND:
        faults.append(f"the log is {behind} bytes behind")
    return faults


def _gaps(store: Store, base: Manifest) -> list[str]:
    """Name the first segment that misses between a base backup and the youngest one."""
    per_file = 0x1_0000_0000 // base.segment_bytes
    first = _number(base.first_segment, per_file)
    there = {_number(name, per_file) for name in segments(store, base.system)}
    last = max(there, default=first - 1)
    missing = next((number for number in range(first, last) if number not in there), None)
    if missing is None:
        return []
    return [f"the log misses segment {missing // per_file:08X}{missing % per_file:08X}: make a base backup"]


def _number(segment: str, per_file: int) -> int:
    return int(segment[8:16], 16) * per_file + int(segment[16:24], 16)
