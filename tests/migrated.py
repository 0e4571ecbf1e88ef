"""The migrated database that tests begin with: made once, and kept until what it is made of is another.

To migrate an empty one takes longer than most apps' tests.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from config.embedded import Postgres
from config.settings.env import ROOT, SRC

TEMPLATE = "nexus_template"
_CACHE = Path(tempfile.gettempdir()) / f"nexus-migrated-{os.getuid()}"
# Branches have other migrations.
_KEPT = 4
_OURS = re.compile(r"^(?:from|import) ([a-z]+(?:\.\w+)*)", re.MULTILINE)


def launch(server: Postgres) -> bool:
    """Start a throwaway server, and tell whether it has a database ``TEMPLATE``: not where migrations fail."""
    kept = _CACHE / digest_of(SRC)
    is_kept = kept.exists()
    if is_kept:
        os.utime(kept)
        _copy(kept, server.folder)
    _start(server)
    if is_kept:
        return True
    if not _is_migrated(server):
        return False
    server.stop()
    _keep(server.folder, kept)
    _start(server)
    return True


def digest_of(source: Path) -> str:
    """Name what a migrated database is made of: migrations, what of ours they import, models, other people's code."""
    files = {ROOT / "requirements" / "base.txt", *_files_of(source)}
    told = hashlib.blake2b(digest_size=12)
    for file in sorted(files):
        told.update(file.read_bytes())
    return told.hexdigest()


def _files_of(source: Path) -> Iterator[Path]:
    yield from source.glob("*/models.py")
    yield from source.glob("*/models/*.py")
    for migration in source.glob("*/migrations/*.py"):
        yield migration
        for name in _OURS.findall(migration.read_text()):
            module = source.joinpath(*name.split("."))
            yield from filter(Path.exists, (module.with_suffix(".py"), module / "__init__.py"))


def _start(server: Postgres) -> None:
    server.launch()
    server.wait()


def _is_migrated(server: Postgres) -> bool:
    with psycopg.connect(host=str(server.sockets), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    told = {"PGSOCK": str(server.sockets), "PGPORT": "5432", "NEXUS_TEST_DATABASE": TEMPLATE, "PYTHONPATH": str(SRC)}
    told["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
    words = [sys.executable, "-m", "django", "migrate", "-v0"]
    return subprocess.run(words, env=os.environ | told, capture_output=True, check=False).returncode == 0


def _keep(folder: Path, kept: Path) -> None:
    """Copy a stopped server's folder beside the others, and remove those that were not used for longest."""
    _CACHE.mkdir(mode=0o711, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=_CACHE, prefix="new-"))
    _copy(folder, draft / "made")
    if not kept.exists():
        (draft / "made").rename(kept)
    shutil.rmtree(draft)
    for old in sorted(_CACHE.iterdir(), key=lambda made: made.stat().st_mtime, reverse=True)[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _copy(folder: Path, copy: Path) -> None:
    subprocess.run(["cp", "-a", "--reflink=auto", str(folder), str(copy)], check=True)
