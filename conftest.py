"""One throwaway PostgreSQL for a run of the tests, and the optional servers that some of them ask for.

The workers of pytest-xdist inherit ``PGSOCK`` and make a database each, a copy of one that is migrated
(``PGTEMPLATE``). Everything stands in temporary folders and listens on sockets or free ports, so that any number of
runs share a machine. A test that needs a server which the machine does not have is skipped, by name; in CI
(``CI=true``) that fails the run.
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
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from django.conf import settings
from tests import migrated

from config.embedded import THROWAWAY, Postgres
from orders.services.rushing import end_rush
from payments.providers import forget_failures
from products.engine import forget_engine

SERVER = pytest.StashKey[tuple[Postgres, Path]]()
EN16931_RULES = "4.1.2"
OPENSEARCH = Path(__file__).parent / "tests" / "opensearch"
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL before the workers do, and show it to settings that were read too early to know."""
    if not hasattr(config, "workerinput") and "PGSOCK" not in os.environ and not config.option.collectonly:
        folder = Path(tempfile.mkdtemp(prefix="nexus-pg-"))
        folder.chmod(0o755)
        server = Postgres(folder / "postgres", folder / "run", THROWAWAY, tied=True)
        template = migrated.TEMPLATE if migrated.launch(server) else ""
        config.stash[SERVER] = (server, folder)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up then, too
        os.environ.update(PGSOCK=str(server.sockets), PGPORT="5432", PGTEMPLATE=template)
    default = settings.DATABASES["default"]
    default.update(HOST=os.environ.get("PGSOCK", ""), PORT=os.environ.get("PGPORT", ""))
    default["TEST"] = {**default.get("TEST", {}), "TEMPLATE": os.environ.get("PGTEMPLATE", "")}


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
        del os.environ["PGSOCK"], os.environ["PGPORT"], os.environ["PGTEMPLATE"]


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    """No test begins with what the one before it left in memory: who is down, and that something is sold out."""
    forget_failures()
    forget_engine()
    end_rush()


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
    """A real Redis: the one of ``NEXUS_TEST_REDIS``, or one on a free port of its own."""
    if given := os.environ.get("NEXUS_TEST_REDIS"):
        yield given
        return
    with a_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    """A real Redis for one test, which may kill it."""
    with a_redis(tmp_path) as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq_url() -> Iterator[str]:
    """A real RabbitMQ: the one of ``NEXUS_TEST_RABBITMQ``, or one on a free port, with an ``epmd`` of its own."""
    if given := os.environ.get("NEXUS_TEST_RABBITMQ"):
        yield given
        return
    with a_rabbitmq() as server:
        yield server.url


@pytest.fixture
def own_rabbitmq() -> Iterator[RabbitMQ]:
    """A real RabbitMQ for one test, which may kill it."""
    with a_rabbitmq() as server:
        yield server


@pytest.fixture(scope="session")
def opensearch_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real OpenSearch: the one of ``NEXUS_TEST_OPENSEARCH``, or one on a free port of its own."""
    if given := os.environ.get("NEXUS_TEST_OPENSEARCH"):
        yield given
        return
    with an_opensearch(tmp_path_factory.mktemp("opensearch")) as server:
        yield server.url


@pytest.fixture
def own_opensearch(tmp_path: Path) -> Iterator[OpenSearch]:
    """A real OpenSearch for one test, which may kill it."""
    with an_opensearch(tmp_path) as server:
        yield server


@contextlib.contextmanager
def an_opensearch(folder: Path) -> Iterator[OpenSearch]:
    """Have an OpenSearch run for the block. Maven fetches it into a cache of the machine, once."""
    program, maven = _program("java"), _program("mvn")
    given = (OPENSEARCH / "pom.xml").read_bytes()
    cache = Path(tempfile.gettempdir()) / f"nexus-opensearch-{zlib.crc32(given):x}-{os.getuid()}"
    cache.mkdir(mode=0o700, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (cache / "lib").exists():
            words = ["-f", str(OPENSEARCH / "pom.xml"), f"-DoutputDirectory={cache / 'new'}", "-DincludeScope=runtime"]
            asked = [maven, "-q", "-B", *words, "dependency:copy-dependencies"]
            subprocess.run(asked, check=True, cwd=cache, stdout=subprocess.DEVNULL)
            (cache / "new").rename(cache / "lib")
    server = OpenSearch(program, folder, cache / "lib")
    with server.running():
        yield server


@contextlib.contextmanager
def a_redis(folder: Path) -> Iterator[Redis]:
    """Have a Redis run for the block."""
    server = Redis(_program("redis-server"), folder)
    with server.running():
        yield server


@contextlib.contextmanager
def a_rabbitmq() -> Iterator[RabbitMQ]:
    """Have a RabbitMQ run for the block."""
    scripts = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    program = str(scripts[-1]) if scripts else _program("rabbitmq-server")
    folder = Path(tempfile.mkdtemp(prefix="nexus-rabbitmq-"))
    try:
        server = RabbitMQ(program, folder)
        with server.running():
            yield server
    finally:
        end_epmd(folder)
        shutil.rmtree(folder, ignore_errors=True)


def end_epmd(folder: Path) -> None:
    """End the ``epmd`` that the RabbitMQ of this folder left behind."""
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):
            if process.info["name"] == "epmd" and process.environ().get("HOME") == str(folder):
                process.kill()


class Server:
    """A server that can be killed and started again, with what it had written."""

    seconds_to_start = 60.0

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder, self.port = program, folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Return what starts it."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Return the variables that it is started with."""
        return dict(os.environ)

    def is_ready(self) -> bool:
        """Tell whether it answers."""
        return _listens(self.port)

    def start(self) -> None:
        """Start it, in a session of its own, and return when it answers."""
        with (self.folder / "out").open("ab") as output:
            self.process = subprocess.Popen(
                self.command(), stdout=output, stderr=output, env=self.environment(), start_new_session=True
            )
        wait_for(self.is_ready, seconds=self.seconds_to_start)

    def kill(self) -> None:
        """``kill -9`` all of it."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run it for the block, whatever befalls it there."""
        try:
            self.start()
            yield
        finally:
            if self.process is not None:
                self.kill()


class Redis(Server):
    """Redis, which keeps nothing."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        words = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        return [self.program, "--port", str(self.port), *words]


class RabbitMQ(Server):
    """RabbitMQ, which keeps what it has confirmed."""

    seconds_to_start = 240.0

    def __init__(self, program: str, folder: Path) -> None:
        super().__init__(program, folder)
        self.ports = {"RABBITMQ_DIST_PORT": str(free_port()), "ERL_EPMD_PORT": str(free_port())}
        (folder / "log").mkdir()
        (folder / "plugins").write_text("[].\n")

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def command(self) -> list[str]:
        return [self.program]

    def environment(self) -> dict[str, str]:
        folder = str(self.folder)
        return os.environ | self.ports | {
            "HOME": folder,
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": f"{folder}/none",
        }  # fmt: skip

    def is_ready(self) -> bool:
        return _listens(self.port) and (self.folder / "pid").stat().st_size > 0


class OpenSearch(Server):
    """OpenSearch, which keeps what it has taken."""

    seconds_to_start = 90.0

    def __init__(self, program: str, folder: Path, library: Path) -> None:
        super().__init__(program, folder)
        self.library, self.inner_port = library, free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        machine = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{self.library}/*"]
        ports = [str(self.port), str(self.inner_port)]
        return [self.program, *machine, str(OPENSEARCH / "Launch.java"), str(self.folder / "node"), *ports]

    def is_ready(self) -> bool:
        with urlopen(f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=30s", timeout=60) as answer:
            return bool(answer.status == 200)


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
