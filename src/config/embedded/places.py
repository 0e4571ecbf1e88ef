"""Where the servers of a data folder listen."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

# sun_path holds 108 bytes with the closing NUL (unix(7)); the longest name is that of PostgreSQL's lock file.
SOCKET_PATH_MAX = 107
POSTGRES_SOCKET = ".s.PGSQL.5432"
REDIS_SOCKET = "redis.sock"


def socket_folder(data: Path) -> Path:
    """Where both servers listen: ``run`` in the data folder, or below the temporary directory where that is too long.

    In the second case ``run`` becomes a link to it, so that a process with another ``TMPDIR`` finds the same place.
    """
    inside = data / "run"
    if fits(inside):
        return inside
    name = f"nexus-{os.geteuid()}-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"
    if inside.is_symlink() and inside.readlink().name == name:  # not one that came along with a copied folder
        return inside.readlink()
    return Path(tempfile.gettempdir()) / name


def fits(sockets: Path) -> bool:
    """Tell whether the system takes the names of sockets in that folder."""
    return len(os.fsencode(sockets / f"{POSTGRES_SOCKET}.lock")) <= SOCKET_PATH_MAX


def database_url(data: Path) -> str:
    """Address of the embedded PostgreSQL, for ``DATABASE_URL``."""
    return f"postgres://postgres@:5432/{quote(str(socket_folder(data)))}/postgres"


def redis_url(data: Path) -> str:
    """Address of the embedded Redis as a cache, for redis-py."""
    return f"unix://{quote(str(socket_folder(data)))}/{REDIS_SOCKET}?db=1"


def broker_url(data: Path) -> str:
    """Address of the embedded Redis as a broker, for Celery."""
    return f"redis+socket://{quote(str(socket_folder(data)))}/{REDIS_SOCKET}?virtual_host=0"
