"""Bringing a shop back: proven first, then put in the place of what is there."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess  # nosec B404: our own manage.py
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from config import embedded
from config.backups.errors import BackupRefused
from config.backups.manifest import Manifest
from config.backups.recovering import Recovery, Source, recovered
from config.settings.env import SRC

KEY_FILES = ("secrets.json", "sign-ins.json")
# What is settled by the environment of the one who restores, and not by the address of the restored.
_ADDRESSES = (
    *("DATABASE_URL", "DATABASE_URL_FILE", "DATABASE_OWNER_URL", "DATABASE_OWNER_URL_FILE"),
    *("DATABASE_READ_URL", "DATABASE_READ_URL_FILE", "REDIS_URL_FILE", "BROKER_URL_FILE"),
)
# The books need nobody but the database: the data folder's own servers are not to be started while it is held.
_NOBODY = {"REDIS_URL": "redis://127.0.0.1:1", "BROKER_URL": "memory://"}


@dataclass(frozen=True)
class Outcome:
    """What came back. ``seconds`` is how long that took, proof included."""

    base: str
    last_commit: str
    pieces: int
    seconds: float
    books: str
    agree: bool


def rehearse(source: Source, *, programs: Path | None, say: Callable[[str], object]) -> Outcome:
    """Bring the shop back beside the living one, compare its books, and leave nothing.

    :raises Refusal: it does not come back
    """
    with (
        tempfile.TemporaryDirectory(prefix="nexus-drill-") as folder,
        _bringing(source, Path(folder) / "postgres", programs, say) as outcome,
    ):
        return outcome


def restore(
    source: Source, target: Path, *, force: bool, differences: bool, programs: Path | None, say: Callable[[str], object]
) -> Outcome:
    """Bring the shop back, and put it in the place of ``target`` if its books agree.

    What stood there is set aside, not removed. The caller has seen to it that nothing runs on it.

    :param force: something may stand there
    :param differences: take it even if the books do not agree
    :raises BackupRefused: something stands there; or the books do not agree
    :raises Refusal: it does not come back
    """
    if target.exists() and any(target.iterdir()) and not force:
        raise BackupRefused(f"{target} holds a database: --force sets it aside")
    draft = target.with_name(f"{target.name}.restored")
    shutil.rmtree(draft, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _bringing(source, draft, programs, say) as outcome:
        pass
    if not outcome.agree and not differences:
        raise BackupRefused(
            f"the books of what came back do not agree; it stands in {draft}, and --accept-differences takes it:\n"
            f"{outcome.books}"
        )
    if target.exists():
        aside = target.with_name(f"{target.name}.before-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}")
        target.rename(aside)
        say(f"What was there stands in {aside}.")
    draft.rename(target)
    return outcome


@contextlib.contextmanager
def _bringing(source: Source, folder: Path, programs: Path | None, say: Callable[[str], object]) -> Iterator[Outcome]:
    """Bring a cluster back, erase again who was erased since, have its books compared; it has stopped at the end."""
    began = time.monotonic()
    work = Path(tempfile.mkdtemp(prefix="nexus-restore-"))
    try:
        say(f"Base backup {source.manifest.name} is unpacked and compared with PostgreSQL's manifest.")
        with recovered(source, folder, work, programs=programs) as server:
            last_commit = server.last_commit() or source.manifest.ended_at
            say(f"The log is replayed; the last transaction is of {last_commit}.")
            erased, are_gone = _manage(server, source.manifest, "replay_erasures", "--system", source.manifest.system)
            at = datetime.fromisoformat(last_commit).isoformat()
            books, agree = _manage(server, source.manifest, "verify_books", "--at", at)
        if not are_gone:
            erased = f"Those who were erased since could not be erased again:\n{erased}"
        yield Outcome(
            source.manifest.name,
            last_commit,
            server.fetched,
            time.monotonic() - began,
            "\n".join(filter(None, (erased, books))),
            agree and are_gone,
        )
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _manage(server: Recovery, manifest: Manifest, *words: str) -> tuple[str, bool]:
    """Run a command of ``manage.py`` on what came back; return its words, and whether all is well."""
    user, place = quote(manifest.user, safe=""), quote(str(server.sockets))
    address = f"postgres://{user}@:5432/{place}/{quote(manifest.database, safe='')}"
    kept = {name: value for name, value in os.environ.items() if name not in _ADDRESSES}
    done = subprocess.run(  # nosec B603
        [sys.executable, str(SRC / "manage.py"), *words],
        env=kept | _NOBODY | {"DATABASE_URL": address},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr).strip(), done.returncode == 0


@contextlib.contextmanager
def stopped(data: Path) -> Iterator[None]:
    """Hold the data folder, on which nobody else works for the length of the block.

    :raises BackupRefused: a shop or a command does, or a server was left running
    """
    with (data / "shop.lock").open("a") as shop, (data / "in-use.lock").open("a") as users:
        for file in (shop, users):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupRefused(f"{data} is in use: stop the shop, and what else works on it, first") from None
        for server in embedded.servers(data):
            if server.pid() is not None:
                server.stop()  # nobody's: its owner was killed
        yield


def missing_keys(manifest: Manifest, ours: Mapping[str, str]) -> list[str]:
    """Return the ids of the keys that sealed fields were written under, and that we have not."""
    return [name for name, print_ in manifest.field_keys.items() if ours.get(name) != print_]


def bring_keys(source: Source, data: Path) -> bool:
    """Put back the data folder's own keys, if they were stored, sealed, beside the base backup."""
    name = f"keys/{source.manifest.system}-{source.manifest.name}.json"
    try:
        with source.seal.open(source.store, f"{name}.gz.age") as file:
            kept = json.loads(file.read())
    except FileNotFoundError:
        return False
    for path, content in kept.items():
        if path in KEY_FILES:
            (data / path).touch(mode=0o600)
            (data / path).write_text(content)
    return True
