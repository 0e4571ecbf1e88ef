from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.production.before import Proxy
from tests.production.fleet import Fleet
from tests.production.manifests import OVERLAYS, Rendered, render
from tests.production.roles import two_roles
from tests.runtime.shop import temporary_folder


@pytest.fixture(scope="session")
def nginx() -> None:
    """Nginx and what makes its certificate, or no test."""
    for program in ("nginx", "openssl", "curl"):
        if not shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
            pytest.skip(f"{program} is not installed")


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that servers may look into as whoever they run."""
    with temporary_folder() as folder:
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def proxy(nginx: None) -> Iterator[Proxy]:
    """Nginx before something that answers as a test wants."""
    with temporary_folder() as folder:
        made = Proxy(folder)
        try:
            yield made.start()
        finally:
            made.stop()


@pytest.fixture(scope="module")
def fleet(nginx: None, redis_url: str, rabbitmq_url: str) -> Iterator[Fleet]:
    """A shop with sample goods: Nginx, Gunicorn with two processes, a worker, the clock, RabbitMQ and Redis.

    What serves is a role that owns nothing.
    """
    with temporary_folder() as folder, two_roles("fleet") as roles:
        made = Fleet(folder, roles.serving, redis_url, rabbitmq_url, conf={"NEXUS_RATE": "10000r/s"})
        made.conf |= {"NEXUS_BURST": "10000", "NEXUS_SIGN_IN_RATE": "1000r/s", "NEXUS_SIGN_IN_BURST": "1000"}
        try:
            made.manage("migrate", "--no-input", DATABASE_OWNER_URL=roles.owner)
            for command in ("set_up", "load_demo"):
                made.manage(command)
            made.start("worker")
            made.start("beat")
            made.start_web("web-a")
            made.start_nginx()
            yield made
        finally:
            made.end()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where manifests are rendered, with secrets made once."""
    return tmp_path_factory.mktemp("manifests")


@pytest.fixture(params=OVERLAYS)
def shop(request: pytest.FixtureRequest, folder: Path) -> Rendered:
    """Return what a cluster would be given, of each overlay."""
    return render(request.param, folder)
