"""Which Nexus wrote a data folder."""

from __future__ import annotations

import contextlib
from pathlib import Path

from config.embedded.refusal import Refusal
from config.version import VERSION


def refuse_newer(data: Path) -> None:
    """Let no older Nexus touch what a newer one wrote.

    :raises Refusal: the folder's ``version`` is above ours
    """
    with contextlib.suppress(FileNotFoundError):
        found = (data / "version").read_text().strip()
        if not found.replace(".", "").isdigit() or _numbers(found) > _numbers(VERSION):
            raise Refusal(f"{data} was written by Nexus {found}, which is newer than this one ({VERSION})")


def note_version(data: Path) -> None:
    """Write down that this Nexus has migrated the folder."""
    path = data / "version"
    if not path.exists() or path.read_text().strip() != VERSION:
        path.write_text(f"{VERSION}\n")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part)
