"""Parts of a running shop around a test's own database: workers to kill, and a broker that can go away."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from celery import Celery
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts.tests.factories import make_user
from config import queues
from markets.tests.factories import make_market
from tests.journeys.back_office import browser_of
from tests.journeys.real_data import INVOICES
from tests.journeys.world import World

_INFANCY_SECONDS = 0.25
TICK = ("core.tasks.relay", "notifications.tasks.send_waiting_mail")
SRC = Path(__file__).parents[2] / "src"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about real data where that is not: the made-up file of ``real_data`` shows the same."""
    if INVOICES.is_file():
        return
    about = [item for item in items if item.get_closest_marker("real_data")]
    items[:] = [item for item in items if item not in about]
    config.hook.pytest_deselected(items=about)


def until(holds: Callable[[], Any], *, seconds: float = 60.0, meanwhile: Callable[[], Any] = lambda: None) -> None:
    """Ask until it holds, doing something in between.

    :raises TimeoutError: it does not in time
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so after {seconds} s")
        meanwhile()
        time.sleep(0.02)


def sender(broker: str) -> Celery:
    """Return what sends tasks as the shop does, to the broker at that address."""
    app = Celery(broker=broker, set_as_current=False)
    app.conf.update(
        task_routes=(queues.route,),
        task_queues=queues.queues_at(broker),
        broker_transport_options=queues.transport_at(broker),
        task_default_queue=queues.BULK,
    )
    return app


class Worker:
    """A Celery worker on the test's database, with two processes that do the work."""

    def __init__(self, broker: str, folder: Path, queues: str = "") -> None:
        self.folder, self.queues = folder, queues
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "NEXUS_TEST_DATABASE": connection.settings_dict["NAME"],
            "NEXUS_TEST_DATA": str(folder),
            "BROKER_URL": broker,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.broker = sender(broker)
        self.start()

    @property
    def mails(self) -> list[Path]:
        return sorted((self.folder / "mail").glob("*.eml"))

    def start(self) -> None:
        """Start it, in a process group of its own."""
        command = "-m celery -A config worker --pool=prefork --concurrency=2 --without-gossip --without-mingle"
        # No two of one name at a broker, nor one whose last life the broker has not noticed the end of.
        command += f" -n {uuid4().hex}@%h" + (f" -Q {self.queues}" if self.queues else "")
        with (self.folder / "worker.log").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, *command.split()],
                cwd=SRC,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def tick(self, tasks: Sequence[str] = TICK) -> None:
        """Do what the clock does: ask for the outbox to be relayed and for waiting mail to be sent.

        And what the supervisor does: a worker that is dead is started again.
        """
        assert self.process is not None
        if self.process.poll() is not None:
            self.start()
        self.ask(*tasks)

    def ask(self, *tasks: str) -> None:
        """Have tasks run, if the broker answers."""
        with suppress(Exception):
            for task in tasks:
                self.broker.send_task(task, retry=False, ignore_result=True)

    def hands(self) -> list[psutil.Process]:
        """Return the processes that do the work."""
        with suppress(psutil.NoSuchProcess):
            assert self.process is not None
            return psutil.Process(self.process.pid).children()
        return []

    def kill_a_hand(self) -> None:
        """``kill -9`` one of the processes that do the work, once it has come to work; the worker makes another.

        A worker whose new hand dies before it says hello gives up; a supervisor starts it again, as here.
        """

        def grown() -> list[psutil.Process]:
            assert self.process is not None
            if self.process.poll() is not None:
                self.start()
            return [hand for hand in self.hands() if time.time() - hand.create_time() > _INFANCY_SECONDS]

        until(grown)
        with suppress(psutil.NoSuchProcess, IndexError):
            grown()[0].kill()

    def kill(self) -> None:
        """``kill -9`` the whole worker."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def clock_of(worker: Worker, seconds: float = 0.3, tasks: Sequence[str] = TICK) -> Callable[[], None]:
    """Return a clock that may be asked as often as one likes and ticks now and then."""
    last = [0.0]

    def ask() -> None:
        if time.monotonic() - last[0] > seconds:
            last[0] = time.monotonic()
            worker.tick(tasks)

    return ask


class Line:
    """The line to a server: a TCP proxy that can be cut and mended."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.pairs: list[socket.socket] = []
        self.listener: socket.socket | None = None
        self.port = 0
        self.mend()

    def mend(self) -> None:
        """Let connections through (again), on the same port."""
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def cut(self) -> None:
        """Break what is open and refuse what comes."""
        assert self.listener is not None
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for end in self.pairs:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.pairs.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                self.pairs += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def start_worker(tmp_path: Path, transactional_db: None) -> Iterator[Callable[..., Worker]]:
    """Return what starts a worker for a broker's address, and for these queues alone where some are named."""
    workers: list[Worker] = []

    def start(broker: str, queues: str = "") -> Worker:
        workers.append(Worker(broker, tmp_path, queues))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()


@pytest.fixture
def boss(db: None) -> Any:
    make_market()
    return make_user(is_superuser=True, is_staff=True)


@pytest.fixture
def browser(boss: Any) -> Client:
    return browser_of(boss)


@pytest.fixture
def world(db: None, settings: Settings, tmp_path: Path) -> World:
    """A shop with one of everything, which counts no tries and keeps its files in a folder of the test's."""
    settings.THROTTLES = False
    settings.MEDIA_ROOT = tmp_path
    return World()
