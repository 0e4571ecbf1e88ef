"""One throwaway PostgreSQL for a run of the tests, and the optional servers that some of them ask for.

The workers of pytest-xdist inherit ``PGSOCK`` and make a database each. Everything stands in temporary folders and
listens on sockets or free ports, so that any number of runs share a machine. A test that needs a server which the
machine does not have is skipped, by name; in CI (``CI=true``) that fails the run.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from config.embedded import THROWAWAY, Postgres
from payments.providers import forget_failures

SERVER = pytest.StashKey[tuple[Postgres, Path]]()
EN16931_RULES = "4.1.2"
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL before the workers do, and show it to settings that were read too early to know."""
    if not hasattr(config, "workerinput") and "PGSOCK" not in os.environ and not config.option.collectonly:
        folder = Path(tempfile.mkdtemp(prefix="nexus-pg-"))
        folder.chmod(0o755)
        server = Postgres(folder / "postgres", folder / "run", THROWAWAY, tied=True)
        server.launch()
        server.wait()
        config.stash[SERVER] = (server, folder)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then, too
        os.environ.update(PGSOCK=str(server.sockets), PGPORT="5432")
    settings.DATABASES["default"].update(HOST=os.environ.get("PGSOCK", ""), PORT=os.environ.get("PGPORT", ""))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI every server is installed, so that a skipped test is a hole in the proof."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = [report.nodeid for report in reporter.stats.get("skipped", [])] if reporter else []
    if reporter and IN_CI and skipped:
        reporter.write_line(f"\nskipped, which CI does not allow: {', '.join(skipped)}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this run started and leave nothing behind."""
    shutil.rmtree(settings.DATA, ignore_errors=True)
    if SERVER in config.stash:
        server, folder = config.stash[SERVER]
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
        del os.environ["PGSOCK"], os.environ["PGPORT"]


@pytest.fixture(autouse=True)
def _all_providers_are_well() -> None:
    """No test begins with a provider remembered as down by the one before it."""
    forget_failures()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """A browser for Playwright: ``launch(executable_path=chromium_path, args=["--no-sandbox", …])``."""
    return _program("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def stripe_mock_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real stripe-mock on a free port: Stripe's API by its own description, without a memory."""
    program, port = _program("stripe-mock", folder=Path.home() / "go" / "bin"), free_port()
    words = ["-http-addr", f"127.0.0.1:{port}", "-https-addr", "127.0.0.1:0"]  # it insists on HTTPS beside it
    with _running([program, *words], tmp_path_factory.mktemp("stripe-mock")):
        wait_for(lambda: _listens(port), seconds=20)
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def en16931_rules() -> Path:
    """The official rules of EN 16931 for UBL, as XSLT; Maven fetches them into a cache of the machine, once."""
    program = _program("mvn")
    cache = Path(tempfile.gettempdir()) / f"nexus-en16931-{EN16931_RULES}-{os.getuid()}"
    cache.mkdir(mode=0o700, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (cache / "rules").exists():
            _fetch_rules(program, cache)
    found = (cache / "rules").glob("external/schematron/*/ubl/EN16931-UBL-validation.xslt")
    return max(found, key=lambda path: [int(part) for part in re.findall(r"\d+", path.parts[-3])])


def _fetch_rules(program: str, cache: Path) -> None:
    name = "com.helger.phive.rules:phive-rules-en16931"
    words = ["dependency:copy", f"-Dartifact={name}:{EN16931_RULES}", f"-DoutputDirectory={cache}"]
    subprocess.run([program, "-q", "-B", *words], check=True, cwd=cache, stdout=subprocess.DEVNULL)
    with zipfile.ZipFile(next(cache.glob("*.jar"))) as archive:
        archive.extractall(cache / "unpacked")
    (cache / "unpacked").rename(cache / "rules")


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis on a free port of its own."""
    program, folder, port = _program("redis-server"), tmp_path_factory.mktemp("redis"), free_port()
    words = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with _running([program, "--port", str(port), *words], folder):
        wait_for(lambda: _listens(port), seconds=10)
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture(scope="session")
def rabbitmq_url() -> Iterator[str]:
    """A real RabbitMQ on a free port, with an ``epmd`` of its own."""
    scripts = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    program = str(scripts[-1]) if scripts else _program("rabbitmq-server")
    folder, port = Path(tempfile.mkdtemp(prefix="nexus-rabbitmq-")), free_port()
    (folder / "log").mkdir()
    (folder / "plugins").write_text("[].\n")
    env = os.environ | {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"test{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(free_port()),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
    }
    try:
        with _running([program], folder, env):
            wait_for(lambda: _listens(port) and (folder / "pid").stat().st_size > 0, seconds=90)
            yield f"amqp://guest:guest@127.0.0.1:{port}//"
    finally:
        for process in psutil.process_iter(["name"]):
            with contextlib.suppress(psutil.Error):
                if process.info["name"] == "epmd" and process.environ().get("HOME") == str(folder):
                    process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], bool], *, seconds: float) -> None:
    """Ask until it holds.

    :raises TimeoutError: it does not in time
    """
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if condition():
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"not ready after {seconds:.0f} s")
        time.sleep(0.02)


def _program(*names: str, folder: Path = Path()) -> str:
    """Find a program on the path, or else in a folder where one may install it."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *([str(folder)] if folder.name else [])])
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    if found is None:
        pytest.skip(f"{names[0]} is not installed")
    return found


def _listens(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


@contextlib.contextmanager
def _running(command: list[str], folder: Path, env: dict[str, str] | None = None) -> Iterator[None]:
    with (folder / "out").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
