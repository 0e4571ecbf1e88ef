"""Pictures and papers: files by what is in them, and which of them were where at what time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path

from django.core.files.storage import FileSystemStorage, storages

from config.backups.errors import BackupRefused
from config.backups.sealing import Seal
from config.backups.stores import Store

_TIME = "%Y%m%dT%H%M%SZ"
_CHUNK = 2**20


@dataclass(frozen=True)
class Kept:
    """A file as it was: its SHA-256, where the copy stands, and how one sees that it has not changed since."""

    sha256: str
    stored: str
    size: int
    changed_ns: int


def folders() -> dict[str, Path]:
    """Return storage -> folder, of those storages that keep files on our disks; buckets keep versions of their own."""
    found = {name: storages[name] for name in ("default", "private")}
    return {name: Path(each.location) for name, each in found.items() if isinstance(each, FileSystemStorage)}


def copy_media(*, store: Store, seal: Seal, at: datetime) -> int:
    """Bring the store up to the files there are, and write an index if anything changed; return how many are new."""
    indexes = store.names("media/index/")
    before = _read_index(store, indexes[-1]) if indexes else {}
    now: dict[str, Kept] = {}
    new = 0
    for name, path in _files():
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            state = path.stat()
            known = before.get(name)
            if known is None or (known.size, known.changed_ns) != (state.st_size, state.st_mtime_ns):
                digest = _sum(path)
                with path.open("rb") as file:
                    stored, _, _ = seal.put(store, f"media/files/{digest}", file)
                known, new = Kept(digest, stored, state.st_size, state.st_mtime_ns), new + 1
            now[name] = known
    if now != before:
        body = json.dumps({name: vars(kept) for name, kept in now.items()}).encode()
        store.put(f"media/index/{at.strftime(_TIME)}.json", BytesIO(body))
    return new


def restore_media(*, store: Store, seal: Seal, to: datetime | None) -> int:
    """Bring back what was there at a time and is missing or other now; return how many files that were.

    What was there then stands in the last index before or in the first one after: files of both come back.

    :raises BackupRefused: a copy is not what it was
    """
    indexes = store.names("media/index/")
    moment = to.strftime(_TIME) if to else "9"
    before = [name for name in indexes if _time_of(name) <= moment][-1:]
    after = [name for name in indexes if _time_of(name) > moment][:1]
    wanted: dict[str, Kept] = {}
    for name in (*after, *before):
        wanted |= _read_index(store, name)
    places = folders()
    brought = 0
    for name, kept in wanted.items():
        storage, _, path = name.partition("/")
        if storage in places:
            brought += _bring(store, seal, kept, places[storage] / path)
    return brought


def forget_media(*, store: Store, before: datetime) -> None:
    """Remove the indexes that no kept moment needs, and the files that no other index names."""
    indexes = store.names("media/index/")
    old = [name for name in indexes if _time_of(name) < before.strftime(_TIME)][:-1]
    if not old:
        return
    for name in old:
        store.remove(name)
    named = {kept.stored for name in indexes if name not in old for kept in _read_index(store, name).values()}
    for name in store.names("media/files/"):
        if name not in named:
            store.remove(name)


def _bring(store: Store, seal: Seal, kept: Kept, path: Path) -> bool:
    if path.exists() and path.stat().st_size == kept.size and _sum(path) == kept.sha256:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.NamedTemporaryFile(dir=path.parent, prefix=".restored-", delete=False) as draft,
        seal.open(store, kept.stored) as copy,
    ):
        shutil.copyfileobj(copy, draft, _CHUNK)
    if _sum(Path(draft.name)) != kept.sha256:
        Path(draft.name).unlink()
        raise BackupRefused(f"{kept.stored} is not what it was when it was stored")
    Path(draft.name).chmod(0o644)
    Path(draft.name).replace(path)
    return True


def _files() -> Iterator[tuple[str, Path]]:
    for storage, folder in folders().items():
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield f"{storage}/{path.relative_to(folder)}", path


def _read_index(store: Store, name: str) -> dict[str, Kept]:
    with closing(store.get(name)) as file:
        return {path: Kept(**kept) for path, kept in json.load(file).items()}


def _time_of(name: str) -> str:
    return name.rpartition("/")[2].partition(".")[0]


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
