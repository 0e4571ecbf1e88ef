"""Stores, seals, manifests and what is kept how long, without a shop."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyrage
import pytest

from config.backups import media
from config.backups.errors import BackupRefused
from config.backups.keeping import _gaps
from config.backups.manifest import Manifest, choose_backup, fingerprints, list_backups
from config.backups.restoring import missing_keys
from config.backups.sealing import Seal
from config.backups.stores import FolderStore, Reader, Store, open_store
from config.backups.taking import forget_old, segment_name, take_base_backup
from config.backups.tools import Database, find_program
from config.settings.databases import database
from tests.disaster.bucket import bucket_url, s3_environment
from tests.disaster.pair import Node
from tests.runtime.shop import temporary_folder

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SEGMENT_BYTES = 16 * 2**20


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """One of each kind."""
    if request.param == "folder":
        return open_store(str(tmp_path / "store"))
    for name, value in s3_environment().items():
        monkeypatch.setenv(name, value)
    return open_store(bucket_url(request.getfixturevalue("s3"), tmp_path.name))


def taken(**fields: Any) -> Manifest:
    """A base backup as it could be."""
    known: dict[str, Any] = {
        "system": "7",
        "name": "n",
        "started_at": NOON.isoformat(),
        "ended_at": NOON.isoformat(),
        "postgres": 18,
        "nexus": "0",
        "first_segment": "000000010000000000000005",
        "segment_bytes": SEGMENT_BYTES,
        "database": "shop",
        "user": "shop",
        "file": "base/7/n.tar.gz",
        "size": 1,
        "sha256": "",
        "field_keys": {},
    }
    return Manifest(**known | fields)


def put(store: Store, manifest: Manifest) -> None:
    """Store it, with something for its file."""
    store.put(manifest.file, io.BytesIO(b"."))
    store.put(manifest.path, io.BytesIO(json.dumps(manifest.as_dict()).encode()))


class TestStores:
    def test_keep_lists_give_and_forget(self, store: Store) -> None:
        store.put("a/b", io.BytesIO(b"one"))
        store.put("a/c", io.BytesIO(b"two"))
        store.put("a/b", io.BytesIO(b"three"))

        with closing(store.get("a/b")) as file:
            assert file.read() == b"three"
        assert store.names("a/") == ["a/b", "a/c"]
        assert store.names("a/c") == ["a/c"]
        store.remove("a/b")
        store.remove("a/b")
        assert store.names("") == ["a/c"]
        with pytest.raises(FileNotFoundError):
            store.get("a/b")

    def test_half_a_file_is_none(self, tmp_path: Path) -> None:
        class Breaks:
            def __init__(self) -> None:
                self.asked = 0

            def read(self, size: int = -1, /) -> bytes:
                self.asked += 1
                if self.asked > 1:
                    raise OSError("gone")
                return b"half"

        store = FolderStore(tmp_path)
        store.put("a", io.BytesIO(b"whole"))

        with pytest.raises(OSError, match="gone"):
            store.put("a", Breaks())

        assert store.names("") == ["a"]
        assert (tmp_path / "a").read_bytes() == b"whole"
        assert [path.name for path in tmp_path.iterdir()] == ["a"]

    @pytest.mark.parametrize("url", ["", "ftp://x/y", "s3:///y"])
    def test_other_addresses_are_refused(self, url: str) -> None:
        with pytest.raises(BackupRefused):
            open_store(url)


class TestSeal:
    def test_what_is_sealed_is_opened_by_its_key_alone(self, store: Store) -> None:
        identity, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
        content = os.urandom(700_000) + bytes(700_000)
        name, size, digest = Seal(recipients=[str(identity.to_public())]).put(store, "x", io.BytesIO(content))

        with closing(store.get(name)) as file:
            assert content[:100] not in file.read()
        with Seal(identities=[str(identity)]).open(store, name) as copy:
            assert copy.read() == content
            assert copy.finish() == (size, digest)
        for keys in ([], [str(other)]):
            with pytest.raises(BackupRefused), Seal(identities=keys).open(store, name) as copy:
                copy.read()

    def test_opens_by_the_tools_of_the_formats(self, tmp_path: Path) -> None:
        name, _, _ = Seal().put(FolderStore(tmp_path), "x", io.BytesIO(b"plain" * 1000))

        done = subprocess.run(["gzip", "-dc", tmp_path / name], capture_output=True, check=True)

        assert done.stdout == b"plain" * 1000

    def test_a_source_that_fails_leaves_nothing(self, tmp_path: Path) -> None:
        class Breaks:
            def read(self, size: int = -1, /) -> bytes:
                raise OSError("gone")

        identity = pyrage.x25519.Identity.generate()
        for seal in (Seal(), Seal(recipients=[str(identity.to_public())])):
            with pytest.raises(OSError, match="gone"):
                seal.put(FolderStore(tmp_path), "x", Breaks())

        assert FolderStore(tmp_path).names("") == []

    def test_refuses_what_is_no_key(self) -> None:
        with pytest.raises(BackupRefused):
            Seal(recipients=["nonsense"])


class TestChooseBackup:
    def test_takes_the_newest_that_had_ended(self, tmp_path: Path) -> None:
        store = FolderStore(tmp_path)
        for hours in range(3):
            ended_at = (NOON + timedelta(hours=hours)).isoformat()
            put(store, taken(name=f"n{hours}", file=f"base/7/n{hours}.tar.gz", ended_at=ended_at))

        assert choose_backup(store).name == "n2"
        assert choose_backup(store, to=NOON + timedelta(minutes=90)).name == "n1"
        assert choose_backup(store, name="n0").name == "n0"
        with pytest.raises(BackupRefused):
            choose_backup(store, to=NOON - timedelta(hours=1))

    def test_asks_which_of_two_databases(self, tmp_path: Path) -> None:
        store = FolderStore(tmp_path)
        put(store, taken(system="7", name="a"))
        put(store, taken(system="8", name="b"))

        with pytest.raises(BackupRefused, match="--base"):
            choose_backup(store)
        assert choose_backup(store, name="b").system == "8"

    def test_keys_that_are_not_here_are_named(self) -> None:
        manifest = taken(field_keys=fingerprints([("k1", b"1" * 32), ("k2", b"2" * 32)]))

        assert missing_keys(manifest, fingerprints([("k1", b"1" * 32), ("k2", b"x" * 32)])) == ["k2"]


class TestForgetOld:
    def test_keeps_what_any_moment_of_the_time_needs(self, store: Store) -> None:
        for days in range(5):
            first = segment_name("0", f"{(days + 1) * SEGMENT_BYTES:X}", 1, SEGMENT_BYTES)
            ended_at = (NOON + timedelta(days=days)).isoformat()
            put(store, taken(name=f"n{days}", file=f"base/7/n{days}.tar.gz", ended_at=ended_at, first_segment=first))
            store.put(f"wal/7/{first}.gz", io.BytesIO(b"."))
        store.put("wal/7/00000002.history.gz", io.BytesIO(b"."))

        gone = forget_old(store=store, keep=timedelta(days=1.5), at=NOON + timedelta(days=4))

        assert gone == ["n0", "n1"]
        assert [each.name for each in list_backups(store)] == ["n2", "n3", "n4"]
        kept = [f"wal/7/0000000100000000{n:08X}.gz" for n in (3, 4, 5)]
        assert store.names("wal/") == [*kept, "wal/7/00000002.history.gz"]
        assert not [name for name in store.names("base/") if "n0" in name or "n1" in name]

    def test_a_hole_in_the_log_is_named(self, tmp_path: Path) -> None:
        store, manifest = FolderStore(tmp_path), taken()
        for number in (5, 6, 8):
            store.put(f"wal/7/0000000100000000{number:08X}.gz", io.BytesIO(b"."))

        assert "0000000000000007" in _gaps(store, manifest)[0]
        store.put("wal/7/000000010000000000000007.partial.gz.age", io.BytesIO(b"."))
        assert _gaps(store, manifest) == []

    @pytest.mark.parametrize(
        ("position", "name"),
        [
            (("0", "2000028"), "000000010000000000000002"),
            (("1", "FF000000"), "0000000100000001000000FF"),
            (("A", "0"), "000000010000000A00000000"),
        ],
    )
    def test_names_segments_as_postgresql_does(self, position: tuple[str, str], name: str) -> None:
        assert segment_name(*position, 1, SEGMENT_BYTES) == name


class Interrupted(FolderStore):
    """A store that has something else to do when a base backup has begun."""

    def __init__(self, folder: Path, meanwhile: Callable[[], object]) -> None:
        super().__init__(folder)
        self._meanwhile = meanwhile

    def put(self, name: str, content: Reader) -> None:
        if name.startswith("base/") and name.endswith(".gz"):
            begun = content.read(1)
            self._meanwhile()
            content = _After(begun, content)
        super().put(name, content)


class _After:
    def __init__(self, begun: bytes, rest: Reader) -> None:
        self._begun, self._rest = begun, rest

    def read(self, size: int = -1, /) -> bytes:
        begun, self._begun = self._begun, b""
        return begun or self._rest.read(size)


def test_r41_a_base_backup_is_whole_however_much_is_written_meanwhile(tmp_path: Path) -> None:
    with temporary_folder() as folder:
        node = Node(folder / "data", folder / "s", wal_keep_size="0", min_wal_size="32MB", max_wal_size="32MB")

        def write() -> None:
            for _ in range(6):
                node.run("INSERT INTO much SELECT repeat('x', 1000) FROM generate_series(1, 20000)", "CHECKPOINT")

        try:
            node.launch()
            node.wait()
            node.run(
                "CREATE TABLE much (words text)",
                "INSERT INTO much SELECT repeat('y', 1000) FROM generate_series(1, 99999)",
            )
            address = {"NAME": "postgres", "USER": "postgres", "HOST": "127.0.0.1", "PORT": str(node.port)}
            store = Interrupted(tmp_path, write)

            taken = take_base_backup(database=Database(address), store=store, seal=Seal(), field_keys={}, at=NOON)

            assert [each.name for each in list_backups(store)] == [taken.name]
            assert node.rows("SELECT count(*) FROM pg_replication_slots") == [(0,)]
        finally:
            node.stop()


class TestMedia:
    def test_comes_back_as_it_was(self, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = tmp_path / "media"
        monkeypatch.setattr(media, "folders", lambda: {"default": folder})
        (folder / "p").mkdir(parents=True)
        (folder / "p" / "a.jpg").write_bytes(b"first")
        (folder / "p" / "b.jpg").write_bytes(b"other")
        assert media.copy_media(store=store, seal=Seal(), at=NOON) == 2
        (folder / "p" / "a.jpg").unlink()
        (folder / "p" / "c.jpg").write_bytes(b"later")
        assert media.copy_media(store=store, seal=Seal(), at=NOON + timedelta(hours=2)) == 1
        assert media.copy_media(store=store, seal=Seal(), at=NOON + timedelta(hours=3)) == 0
        shutil.rmtree(folder)

        brought = media.restore_media(store=store, seal=Seal(), to=NOON + timedelta(hours=1))

        assert brought == 3
        assert {path.name: path.read_bytes() for path in (folder / "p").iterdir()} == {
            "a.jpg": b"first", "b.jpg": b"other", "c.jpg": b"later",
        }  # fmt: skip

    def test_forgets_what_no_kept_index_names(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder, store = tmp_path / "media", FolderStore(tmp_path / "store")
        monkeypatch.setattr(media, "folders", lambda: {"default": folder})
        folder.mkdir()
        for hours, names in enumerate((["a"], ["b"], ["b", "c"])):
            shutil.rmtree(folder)
            folder.mkdir()
            for name in names:
                (folder / name).write_text(name)
            media.copy_media(store=store, seal=Seal(), at=NOON + timedelta(hours=hours))

        media.forget_media(store=store, before=NOON + timedelta(hours=3))

        assert len(store.names("media/index/")) == 1
        assert len(store.names("media/files/")) == 2


class TestDatabase:
    def test_tools_get_the_address_and_no_secret_on_their_command_line(self) -> None:
        settings = database(
            {"NAME": "shop", "USER": "u", "PASSWORD": "hush", "HOST": "one,two", "PORT": "5432,5433",
             "OPTIONS": {"sslmode": "require"}}
        )  # fmt: skip

        conninfo = Database(settings).conninfo

        assert "hush" not in conninfo
        for part in ("host=one,two", "port=5432,5433", "sslmode=require", "target_session_attrs=read-write"):
            assert part in conninfo
        assert "statement_timeout" not in conninfo

    def test_programs_are_of_the_servers_version(self) -> None:
        assert Path(find_program("pg_basebackup", major=18)).exists()
        with pytest.raises(BackupRefused, match="POSTGRES_PROGRAMS"):
            find_program("pg_basebackup", major=7)

    def test_a_changed_manifest_is_another(self) -> None:
        assert replace(taken(), name="x").path == "base/7/x.json"
