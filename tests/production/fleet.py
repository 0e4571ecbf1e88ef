"""A shop as a cluster runs it: Nginx, web processes with Gunicorn, a worker and the clock, each started by its role.

Their settings are those of one's own machine, for the journey is paid for at the sandbox and its mail is read; the
servers are real ones: PostgreSQL, Redis, RabbitMQ.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from config.certifying import certify
from proxy_conf import values_in, write_configuration
from tests.runtime.shop import free_port, wait_for

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_START = 180.0
SECONDS_TO_STOP = 60.0
FOREIGN = ("DATABASE_OWNER_URL", "DJANGO_SETTINGS_MODULE", "STOREFRONT_URL", "SANDBOX_URL", "EMAIL_URL")


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.body)
        return found


@dataclass
class Part:
    """One process of the fleet, in a session of its own."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path
    port: int = 0

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to end, and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS_TO_STOP)

    def kill(self) -> None:
        """Leave nothing of it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def hands(self) -> set[int]:
        """Return the numbers of the processes that it has forked."""
        return {child.pid for child in psutil.Process(self.process.pid).children()}


@dataclass
class Fleet:
    """The servers of one shop; ``conf`` are values of Nginx's templates beside those that a test needs anyway."""

    folder: Path
    database: str
    redis: str
    rabbitmq: str
    conf: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.http, self.https = free_port(), free_port()
        self.data = self.folder / "data"
        self.data.mkdir()
        certify(self.folder / "tls", names=["web"], at=datetime.now(UTC))

    @property
    def webs(self) -> list[Part]:
        """The web servers, the oldest first."""
        return [part for part in self.parts.values() if part.port]

    def errors(self) -> list[str]:
        """Return what its processes logged as errors, those that have ended included."""
        lines = [
            line for path in self.folder.glob("*/output") for line in path.read_text(errors="replace").splitlines()
        ]
        return [line for line in lines if '"level":"error"' in line]

    @property
    def base(self) -> str:
        """Where shoppers find it."""
        return f"https://127.0.0.1:{self.https}"

    @property
    def certificate(self) -> Path:
        """What its clients have to trust."""
        return self.folder / "certificate.pem"

    @property
    def variables(self) -> dict[str, str]:
        """The environment of everything that belongs to the shop."""
        ours = {
            "NEXUS_DATA": str(self.data),
            "DATABASE_URL": self.database,
            "REDIS_URL": self.redis,
            "BROKER_URL": self.rabbitmq,
            "PUBLIC_URL": self.base,
            "TRUSTED_PROXIES": "127.0.0.1/32",
            "WEB_WORKERS": "2",
            "THROTTLES": "off",
            "WEB_TLS_CERTIFICATE": str(self.folder / "tls" / "web" / "certificate.pem"),
            "WEB_TLS_KEY": str(self.folder / "tls" / "web" / "key.pem"),
            # Each process of the fleet and each container has signs of life and a clock of its own.
            "TMPDIR": str(self.folder),
        }
        return {name: value for name, value in os.environ.items() if name not in FOREIGN} | ours | self.environment

    def manage(self, *words: str, **environment: str) -> str:
        """Run a command of the image, and return what it printed."""
        done = subprocess.run(
            [sys.executable, "src/manage.py", *words], cwd=ROOT, env=self.variables | environment, capture_output=True,
            text=True, timeout=SECONDS_TO_START, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, role: str, name: str = "", **environment: str) -> Part:
        """Start a process by its role, and do not wait for it."""
        name = name or role
        port = free_port() if role == "web" else 0
        place = self.folder / name
        place.mkdir(exist_ok=True)
        output = place / "output"
        with output.open("ab") as file:
            process = subprocess.Popen(
                [sys.executable, "src/manage.py", role], cwd=ROOT, stdout=file, stderr=file, start_new_session=True,
                env=self.variables | {"PORT": str(port), "TMPDIR": str(place)} | environment,
            )  # fmt: skip
        self.parts[name] = part = Part(name, process, output, port)
        return part

    def start_web(self, name: str, **environment: str) -> Part:
        """Start a web server, and return when it is ready."""
        part = self.start("web", name, **environment)
        wait_for(lambda: part.process.poll() is not None or self.asked(part, "/readyz") == 200, SECONDS_TO_START)
        assert part.process.poll() is None, part.output.read_text()
        return part

    def start_nginx(self) -> Part:
        """Start Nginx before all web servers that there are."""
        make_certificate(self.folder)
        (self.folder / "media").symlink_to(self.data / "media")
        self.configure()
        output = self.folder / "nginx"
        with output.open("ab") as file:
            process = subprocess.Popen(
                [nginx_program(), "-e", str(self.folder / "error.log"), "-c", str(self.folder / "nginx.conf")],
                stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip
        self.parts["nginx"] = part = Part("nginx", process, output)
        wait_for(lambda: part.process.poll() is not None or self._is_led())
        assert part.process.poll() is None, output.read_text()
        return part

    def configure(self, *, down: str = "", **values: str) -> None:
        """Write Nginx's configuration.

        :param down: the web server that gets no more requests
        """
        shops = {f"127.0.0.1:{part.port}": "down" if part.name == down else "" for part in self.webs}
        filled = values_in(self.folder, http=self.http, https=self.https, shops=shops)
        first = {"NEXUS_MAIN": f"daemon off; {'user root;' if os.geteuid() == 0 else ''}"}
        write_configuration(self.folder, filled | first | self.conf | values)

    def _is_led(self) -> bool:
        return status_of(http.client.HTTPConnection("127.0.0.1", self.http, timeout=90), "/healthz") == 308

    def reload(self, *, down: str = "") -> None:
        """Have Nginx take a new configuration, and return when the old one takes no more requests."""
        self.configure(down=down)
        nginx = self.parts["nginx"]
        before = nginx.hands()
        nginx.process.send_signal(signal.SIGHUP)
        # Those of the old one stop to listen at once and stay for what is under way.
        wait_for(lambda: nginx.hands() - before and all(_leaves(pid) for pid in before), SECONDS_TO_STOP)

    def ask(self, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """Ask the shop through Nginx, by TLS."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        client = http.client.HTTPSConnection("127.0.0.1", self.https, timeout=90, context=context)
        with contextlib.closing(client):
            client.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = client.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())

    def client(self, web: Part) -> http.client.HTTPSConnection:
        """Return a connection to a web server itself, which asks it as Nginx does."""
        return http.client.HTTPSConnection("127.0.0.1", web.port, timeout=90, context=self.trusting())

    def trusting(self) -> ssl.SSLContext:
        """Return what believes web servers, as Nginx does."""
        return ssl.create_default_context(cafile=str(self.folder / "tls" / "trusted" / "ca.pem"))

    def asked(self, web: Part, path: str) -> int:
        """Ask a web server itself; 0 when it does not answer."""
        return status_of(self.client(web), path)

    def value(self, statement: str) -> object:
        """Run one statement in the shop's database, and return the first value."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
            return row and row[0]

    def end(self) -> None:
        """Leave nothing."""
        for part in self.parts.values():
            if part.process.poll() is None:
                part.process.terminate()
        for part in self.parts.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                part.process.wait(SECONDS_TO_STOP)
            part.kill()


@contextlib.contextmanager
def new_database(name: str) -> Iterator[str]:
    """An empty database beside those of the tests, by its address."""
    place = f"postgres://postgres@/{{}}?host={quote(os.environ['PGSOCK'], safe='')}&port={os.environ['PGPORT']}"
    with psycopg.connect(place.format("postgres"), autocommit=True) as connection:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        connection.execute(drop)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield place.format(name)
        finally:
            connection.execute(drop)


def status_of(client: http.client.HTTPConnection, path: str) -> int:
    """Ask a server on loopback; 0 when it does not answer."""
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(client):
        client.request("GET", path)
        return client.getresponse().status
    return 0


def _leaves(pid: int) -> bool:
    try:
        return "shutting down" in " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return True


def nginx_program() -> str:
    """Where Nginx is."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert found
    return found


def make_certificate(folder: Path) -> None:
    """Make a certificate for this machine, ``certificate.pem`` with its key."""
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    places = ["-keyout", str(folder / "certificate.key"), "-out", str(folder / "certificate.pem")]
    subprocess.run(
        ["openssl", *words.split(), "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", *places],
        check=True, capture_output=True,
    )  # fmt: skip
