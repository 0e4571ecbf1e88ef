"""Programs apart from our terminal, in folders of their own, and never as root."""

from __future__ import annotations

import functools
import importlib.util
import os
import pwd
import stat
import subprocess  # nosec B404: starts the two servers of the wheels, with arguments of ours
import sys
from pathlib import Path
from typing import IO

from config.embedded.refusal import Refusal

CAPABILITIES_TO_ENTER = {"dac_read_search": 2, "dac_override": 1}  # linux/capability.h
CAP_SETPCAP = 8


@functools.cache
def _server_user() -> pwd.struct_passwd | None:
    """Whom the servers run as where we are root, which PostgreSQL refuses to be."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def own(folder: Path) -> None:
    """Make a private folder for the servers.

    :raises Refusal: it belongs to somebody else
    """
    user = _server_user()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if user is not None and folder.lstat().st_uid == 0:
        os.chown(folder, user.pw_uid, user.pw_gid, follow_symlinks=False)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != (user.pw_uid if user else os.geteuid()):
        raise Refusal(f"{folder} belongs to somebody else")
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)


def spawn(
    command: list[str], *, reach: tuple[Path, ...], output: IO[bytes] | int, tied: bool = False
) -> subprocess.Popen[bytes]:
    """Start a program apart from our terminal, and not as root.

    Below a closed home (0700) the servers keep the one capability to enter folders, so that no mode has to change.
    """
    words = ["--pdeathsig=INT"] if tied and sys.platform == "linux" else []
    user = _server_user()
    if user is not None:
        words += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        if not all(_open_to_all(path) for path in (Path(command[0]), *reach)):
            enter = _capability_to_enter()
            # The secure bit makes access(2) count the capability too; initdb asks that about postgres.
            words += [f"--inh-caps=+{enter}", f"--ambient-caps=+{enter}", "--securebits=+no_setuid_fixup"]
    return subprocess.Popen(  # nosec B603
        [*(["setpriv", *words] if words else []), *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        cwd="/",
        umask=0o077,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
    )


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)


def _capability_to_enter() -> str:
    status = Path("/proc/self/status").read_text()
    held = int(status.partition("CapEff:")[2].split()[0], 16)
    for name, bit in CAPABILITIES_TO_ENTER.items():
        if held >> bit & held >> CAP_SETPCAP & 1:
            return name
    raise Refusal("as root, the checkout and NEXUS_DATA must stand in folders that other users may enter")


def package(name: str) -> Path | None:
    """Return the folder of an installed package, which is not imported."""
    spec = importlib.util.find_spec(name)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
