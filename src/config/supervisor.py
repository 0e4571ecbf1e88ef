"""``make run``: one process that loads Django once, forks the web server and the worker, and keeps them running.

Written by hand because honcho stops everything as soon as one process ends, and supervisord and circus start each
process from nothing: four times a second of imports, on a laptop, and four times the memory. Forks share both.
"""

from __future__ import annotations

import contextlib
import gc
import http.client
import json
import os
import signal
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

import django
import psutil
import structlog
from django.conf import settings
from django.utils.module_loading import import_string
from setproctitle import setproctitle

from config import embedded
from config.claiming import claimed
from config.embedded import Refusal
from config.forking import load_for_web
from config.lifelines import end_with_parent
from config.seeing import folder
from config.settings import processes

log = structlog.get_logger("nexus.supervisor")

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WEB_SERVERS = {"granian": "config.web_granian.serve", "gunicorn": "config.web_gunicorn.serve"}
SECONDS_TO_STOP = 20.0
SECONDS_TO_BE_READY = 60.0
LONGEST_PAUSE = 10.0
# Who ran so long was well: what failed before counts no more.
SECONDS_WELL = 60.0
TICK_SECONDS = 1.0
SECONDS_TO_ASK_AGAIN = 0.02


@dataclass
class Process:
    """Something that runs in a fork and is forked again when it ends by itself."""

    name: str
    body: Callable[[], None]
    pid: int = 0
    failures: int = 0
    started_at: float = field(default=0.0)
    due_at: float = field(default=0.0)

    def start(self) -> None:
        """Fork. The child has a process group of its own, so that nothing of it outlives it."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        self.started_at = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            os._exit(self._run())
        with contextlib.suppress(OSError):  # the child does the same; whoever is first
            os.setpgid(self.pid, self.pid)

    def _run(self) -> int:
        try:
            with contextlib.suppress(OSError):
                os.setpgid(0, 0)
            for number in (*STOPS, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            end_with_parent()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            setproctitle(processes.title(self.name))
            self.body()
        except SystemExit as leaving:
            return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        except BaseException:  # noqa: BLE001 - the last frame of this process: whatever it is, it is shown
            traceback.print_exc()
            return 1
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        return 0

    def ended(self, status: int) -> None:
        """Clean up behind it, and say when it may start again: at once if somebody killed it, later if it fails."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.pid = 0
        was_well = time.monotonic() - self.started_at >= SECONDS_WELL
        self.failures = 0 if status < 0 else 1 if was_well else self.failures + 1
        self.due_at = time.monotonic() + min(0.25 * 2**self.failures if self.failures else 0.0, LONGEST_PAUSE)

    def signal(self, number: signal.Signals) -> None:
        """Tell the process, not its group: it ends its own children in good order."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Stopped(Exception):
    """Somebody wants the shop to end."""


class Supervisor:
    """Keeps processes running until a signal says stop, and then ends them all."""

    def __init__(self) -> None:
        self.signals: SimpleQueue[int] = SimpleQueue()
        self.make = os.getppid() if psutil.Process(os.getppid()).name() in {"make", "gmake"} else None
        self.processes: list[Process] = []
        self.stopping = False
        for number in (*STOPS, signal.SIGCHLD):
            signal.signal(number, lambda received, _: self.signals.put(received))

    def check(self, *, wait_seconds: float = 0.0) -> None:
        """Take notice of signals.

        :raises Stopped: one of them, or the end of the ``make`` that started us, means stop
        """
        number = 0
        with contextlib.suppress(Empty):
            number = self.signals.get(timeout=wait_seconds) if wait_seconds else self.signals.get_nowait()
        if number in STOPS or (self.make and os.getppid() != self.make):
            raise Stopped

    def begin(self, name: str, body: Callable[[], None]) -> Process:
        """Run something in a fork, once."""
        process = Process(name, body)
        self.processes.append(process)
        process.start()
        return process

    def await_end(self, process: Process) -> int:
        """Return the exit code of what :meth:`begin` began."""
        while True:
            ended, status = os.waitpid(process.pid, os.WNOHANG)
            if ended:
                self.processes.remove(process)
                return os.waitstatus_to_exitcode(status)
            self.check(wait_seconds=TICK_SECONDS)

    def tend(self, *, longest_seconds: float = TICK_SECONDS) -> None:
        """Collect what ended, start what is due, wait for the next thing to happen."""
        self.collect()
        now = time.monotonic()
        for process in self.processes:
            if not process.pid and process.due_at <= now:
                process.start()
        pauses = [process.due_at - now for process in self.processes if not process.pid]
        self.check(wait_seconds=max(0.01, min([longest_seconds, *pauses])))

    def collect(self) -> None:
        """Notice which processes ended."""
        for process in self.processes:
            if process.pid:
                ended, status = os.waitpid(process.pid, os.WNOHANG)
                if ended:
                    code = os.waitstatus_to_exitcode(status)
                    if not self.stopping:
                        log.warning("process ended and will be started again", process=process.name, exit_code=code)
                    process.ended(code)

    def stop(self) -> None:
        """End all processes: in good order, and by force when that takes too long or somebody asks twice."""
        self.stopping = True
        for process in self.processes:
            process.signal(signal.SIGTERM)
        deadline = time.monotonic() + SECONDS_TO_STOP
        self.collect()
        while any(process.pid for process in self.processes) and time.monotonic() < deadline:
            with contextlib.suppress(Empty):
                if self.signals.get(timeout=0.1) in STOPS:
                    break
            self.collect()
        for process in self.processes:
            if process.pid:
                process.signal(signal.SIGKILL)
                os.waitpid(process.pid, 0)
                process.ended(0)


def run() -> None:
    """Start the shop and keep it running until somebody stops it.

    :raises Refusal: it cannot start here
    """
    started_at = time.monotonic()
    supervisor = Supervisor()
    wanted = needed_servers()
    data: Path = settings.DATA
    port = _port()
    if processes.WEB_TLS_CERTIFICATE:
        raise Refusal(
            "WEB_TLS_CERTIFICATE is for web processes of their own (manage.py web): this one is not asked by TLS"
        )
    if processes.WEB_SERVER not in WEB_SERVERS:
        raise Refusal(f"WEB_SERVER must be {' or '.join(WEB_SERVERS)}, not {processes.WEB_SERVER!r}")
    with contextlib.suppress(Stopped), claimed(data, port):
        refuse_taken(port)
        if settings.METRICS_TOKEN:
            folder.start_afresh()
        with embedded.shared(data, wanted):
            try:
                _start(supervisor, started_at)
                while True:
                    supervisor.tend()
                    embedded.keep(data, wanted)
            finally:
                supervisor.stop()


def _start(supervisor: Supervisor, started_at: float) -> None:
    """Load what all processes share, and have the database made ready meanwhile; then fork them.

    What lives now lives until the end, in every process: nothing of it is looked through for circles, which takes a
    fifth of the start, and would write to pages that the forks share.
    """
    supervisor.check()
    gc.disable()
    django.setup()
    preparing = supervisor.begin("prepare", import_string("config.preparing.prepare"))
    serve = import_string(WEB_SERVERS[processes.WEB_SERVER])
    load_for_web()
    gc.freeze()
    gc.enable()
    if supervisor.await_end(preparing) != 0:
        sys.exit(1)  # it has said why
    supervisor.processes += [Process("web", serve), Process("worker", _work)]
    if settings.BACKUP_FOLLOWS:
        supervisor.processes.append(Process("backup", _back_up))
    deadline = time.monotonic() + SECONDS_TO_BE_READY
    while not _answers():
        supervisor.tend(longest_seconds=SECONDS_TO_ASK_AGAIN)
        if time.monotonic() > deadline or supervisor.processes[0].failures > 1:
            raise Refusal("the web server does not start; see above")
    _greet(time.monotonic() - started_at)


def _work() -> None:
    """Be the worker, whose half of Celery no web process needs."""
    import_string("config.worker.work")()


def _back_up() -> None:
    """Keep the backups up to date, and end in good order: what was received last is carried, too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    import_string("config.backups.keeping.follow")()


def needed_servers() -> list[embedded.Server]:
    """The embedded servers that the settings point to.

    :raises Refusal: the settings' addresses cannot be read
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Engine not recognized")
        database = settings.DATABASES["default"]
    if "HOST" not in database:
        raise Refusal("DATABASE_URL must look like postgres://user:password@host:5432/name")
    data = settings.DATA
    local_redis = {embedded.redis_url(data), embedded.broker_url(data)}
    return embedded.servers(
        data,
        database=database["HOST"] == str(embedded.socket_folder(data)),
        redis=bool(local_redis & {getattr(settings, name, "") for name in ("REDIS_URL", "CELERY_BROKER_URL")}),
    )


def _port() -> int:
    if not processes.PORT.isdigit() or not 0 < int(processes.PORT) < 65536:
        raise Refusal(f"PORT must be a number from 1 to 65535, not {processes.PORT!r}")
    return int(processes.PORT)


def refuse_taken(port: int) -> None:
    """Find out before anything is started.

    :raises Refusal: we may not listen there
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((processes.HOST, port))
        except OSError as error:
            reason = error.strerror.lower() if error.strerror else "taken"
            raise Refusal(f"cannot listen on {processes.HOST}:{port} ({reason}): set PORT to another one") from error


def _answers() -> bool:
    client = http.client.HTTPConnection(processes.HOST, int(processes.PORT), timeout=5)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(client):
        client.request("GET", "/healthz")
        return client.getresponse().status < 500
    return False


def _greet(seconds: float) -> None:
    base = f"http://{processes.HOST}:{processes.PORT}"
    lines = [
        "",
        f"Nexus is running (started in {seconds:.1f} s; Ctrl-C stops it).",
        "",
        f"  Shop API        {base}/api/v1/products",
        f"  API reference   {base}/docs/",
        f"  Administration  {base}/admin/",
        f"  Mail            {base}/dev/mail/",
        "",
    ]
    with contextlib.suppress(OSError, ValueError):
        for role, sign_in in json.loads((settings.DATA / "sign-ins.json").read_text()).items():
            lines.append(f"  {role.capitalize():<15} {sign_in['email']}  {sign_in['password']}")
    print("\n".join([*lines, ""]), flush=True)  # noqa: T201 - for the person at the terminal
