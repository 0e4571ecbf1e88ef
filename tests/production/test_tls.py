"""The servers of `infra/k8s` speak TLS alone, and the shop believes nobody else: real servers, told the very same.

Certificates and addresses are those that `make_secrets.sh` writes. A server listens at two addresses of this machine;
its certificate is good for the first.
"""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from celery import Celery
from conftest import RabbitMQ, Redis, Server, end_epmd
from django.core.cache import CacheHandler
from django.db.utils import ConnectionHandler
from environ import Env
from psycopg import sql
from redis.exceptions import ConnectionError as RedisConnectionError

from config.settings.base import broker_settings, redis_cache
from config.settings.databases import database, without_pool
from tests.production.manifests import K8S, Rendered, read_secrets, render, write_secrets
from tests.runtime.shop import temporary_folder

NAMED, OTHER = "127.0.0.1", "127.0.0.2"  # the certificate is for the first
AS_ROOT = os.geteuid() == 0
NAMES = {"postgres": "DATABASE_URL", "redis": "REDIS_URL", "rabbitmq": "BROKER_URL"}


class TlsPostgres(Server):
    """A PostgreSQL with TLS, which the one of the wheel has not, run by whom it lets."""

    who: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if AS_ROOT else {}

    def __init__(self, programs: Path, folder: Path, words: list[str]) -> None:
        super().__init__(str(programs / "postgres"), folder)
        self.programs, self.words, self.data = programs, words, folder / "data"

    def prepare(self, password: str) -> None:
        (self.folder / "word").write_text(password)
        if AS_ROOT:
            shutil.chown(self.folder, "nobody", "nogroup")
        words: list[str | Path] = [
            "-D",
            self.data,
            "-U",
            "nexus",
            f"--pwfile={self.folder / 'word'}",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        initdb = [self.programs / "initdb", *words, "--no-locale"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **self.who)

    def is_ready(self) -> bool:
        asked: list[str | Path] = [self.programs / "pg_isready", "-q", "-h", self.folder, "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def command(self) -> list[str]:
        words = ["-D", str(self.data), "-c", "fsync=off", "-c", f"listen_addresses={NAMED},{OTHER}", *self.words]
        given = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if AS_ROOT else []
        return [*given, self.program, *words, "-k", str(self.folder), "-p", str(self.port)]


class TlsRedis(Redis):
    """Redis as the pod starts it."""

    def __init__(self, program: str, folder: Path, words: list[str]) -> None:
        super().__init__(program, folder)
        self.words = words

    def command(self) -> list[str]:
        mine = ["--bind", NAMED, OTHER, "--tls-port", str(self.port)]
        return [self.program, *self.words, *mine]


class TlsRabbitMQ(RabbitMQ):
    """RabbitMQ with the configuration and the account of the pod."""

    def __init__(self, program: str, folder: Path, text: str, account: dict[str, str]) -> None:
        super().__init__(program, folder)
        listeners = "".join(
            f"listeners.ssl.{number} = {host}:{self.port}\n" for number, host in enumerate((NAMED, OTHER), 1)
        )
        assert "listeners.ssl.default = 5671\n" in text
        (folder / "rabbitmq.conf").write_text(text.replace("listeners.ssl.default = 5671\n", listeners))
        self.account = account

    def environment(self) -> dict[str, str]:
        ours = super().environment() | self.account | {"RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf")}
        return {
            name: value
            for name, value in ours.items()
            if name not in {"RABBITMQ_NODE_PORT", "RABBITMQ_NODE_IP_ADDRESS"}
        }


@dataclass(frozen=True)
class Secured:
    """A server that runs, and how the shop is told of it."""

    name: str
    port: int
    # The folder that make_secrets.sh wrote.
    secrets: Path

    def url(self, host: str = NAMED, ca: Path | None = None) -> str:
        """The address of the Secret, with what a cluster would make of its names."""
        return self.reached(read_secrets(self.secrets)["nexus"][NAMES[self.name]], host, ca)

    def reached(self, text: str, host: str = NAMED, ca: Path | None = None) -> str:
        """An address of the Secrets, as it is reached here."""
        parts = urlsplit(text)
        assert parts.hostname == self.name
        return text.replace(f"@{parts.netloc.rpartition('@')[2]}", f"@{host}:{self.port}").replace(
            "/tls/ca.crt", str(ca or self.secrets / "tls-ca" / "ca.crt")
        )

    def plain_url(self) -> str:
        """The same without TLS."""
        plain = self.url().partition("?")[0].replace("rediss:", "redis:").replace("amqps:", "amqp:")
        return f"{plain}?sslmode=disable" if self.name == "postgres" else plain


@pytest.fixture(scope="module")
def shop(place: Path) -> Rendered:
    return render("local", place)


@pytest.fixture(scope="module")
def other_ca(place: Path) -> Path:
    """What make_secrets.sh makes for somebody else."""
    write_secrets(place / "others")
    return place / "others" / "tls-ca" / "ca.crt"


@pytest.fixture(scope="module", params=NAMES)
def server(request: pytest.FixtureRequest, place: Path, shop: Rendered) -> Iterator[Secured]:
    """Each of the servers, with a certificate as a pod finds it: root's, and its group's to read."""
    name, secrets = request.param, place / "k8s" / "overlays" / "local" / "secrets"
    mounted = place / f"tls-{name}"
    shutil.copytree(secrets / f"tls-{name}", mounted)
    mounted.chmod(0o755)
    for file in mounted.iterdir():
        file.chmod(0o440 if AS_ROOT else 0o400)
        if AS_ROOT:
            shutil.chown(file, "root", "nogroup")
    with RUNNERS[name](place, shop, mounted) as port:
        yield Secured(name, port, secrets)


@contextmanager
def a_postgres(place: Path, shop: Rendered, mounted: Path) -> Iterator[int]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        pytest.skip("postgresql with TLS is not installed")
    hba = place / "pg_hba.conf"
    (text,) = [each["data"]["pg_hba.conf"] for each in shop.of("ConfigMap") if "pg_hba.conf" in each["data"]]
    hba.write_text(text)
    words = [
        word.replace("/tls/", f"{mounted}/").replace("/etc/postgresql/pg_hba.conf", str(hba))
        for word in shop.container("postgres")["args"]
    ]
    folder = place / "postgres"
    folder.mkdir()
    server = TlsPostgres(found[-1].parent, folder, words)
    server.prepare(shop.environment("postgres")["POSTGRES_PASSWORD"])
    with server.running():
        with closing(psycopg.connect(host=str(folder), port=server.port, user="nexus", dbname="postgres")) as made:
            made.autocommit = True
            made.execute("CREATE DATABASE nexus")
            # As migrate does.
            serving = Env.db_url_config(shop.secrets["nexus"]["DATABASE_URL"])
            made.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(serving["USER"]), sql.Literal(serving["PASSWORD"])
                )
            )
        yield server.port


@contextmanager
def a_redis(place: Path, shop: Rendered, mounted: Path) -> Iterator[int]:
    if not (program := shutil.which("redis-server")):
        pytest.skip("redis-server is not installed")
    password = shop.environment("redis")["REDISCLI_AUTH"]
    folder = place / "redis"
    folder.mkdir()
    pod = {"/data": str(folder), "$(REDISCLI_AUTH)": password}
    words = [pod.get(word, word).replace("/tls/", f"{mounted}/") for word in shop.container("redis")["args"]]
    server = TlsRedis(program, folder, words)
    with server.running():
        yield server.port


@contextmanager
def a_rabbitmq(place: Path, shop: Rendered, mounted: Path) -> Iterator[int]:
    scripts = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    if not scripts:
        pytest.skip("rabbitmq-server is not installed")
    (text,) = [each["data"]["rabbitmq.conf"] for each in shop.of("ConfigMap") if "rabbitmq.conf" in each["data"]]
    folder = place / "rabbitmq"
    folder.mkdir()
    server = TlsRabbitMQ(str(scripts[-1]), folder, text.replace("/tls/", f"{mounted}/"), dict(shop.secrets["rabbitmq"]))
    try:
        with server.running():
            yield server.port
    finally:
        end_epmd(folder)


RUNNERS: dict[str, Callable[[Path, Rendered, Path], Any]] = {
    "postgres": a_postgres,
    "redis": a_redis,
    "rabbitmq": a_rabbitmq,
}


def ask_postgres(url: str) -> str:
    wrapper = ConnectionHandler({"default": without_pool(database(Env.db_url_config(url)))})["default"]
    with closing(wrapper.get_new_connection(wrapper.get_connection_params())) as connection:
        (version,) = connection.execute("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
        return str(version)


def ask_redis(url: str) -> str:
    cache = CacheHandler({"default": redis_cache(url)})["default"]
    cache.set("kept", "TLS")
    return str(cache.get("kept"))


def ask_broker(url: str) -> str:
    """Send a message and get it back, as the shop's Celery is told of its broker."""
    told = broker_settings(url)
    app = Celery(set_as_current=False)
    app.conf.update(broker_url=told["CELERY_BROKER_URL"], broker_use_ssl=told["CELERY_BROKER_USE_SSL"])
    with app.connection_for_write() as connection:
        connection.connect()
        with closing(connection.SimpleQueue("tls")) as queue:
            queue.put("TLS")
            message = queue.get(timeout=10)
            message.ack()
            return str(message.payload)


ASK = {"postgres": ask_postgres, "redis": ask_redis, "rabbitmq": ask_broker}
REFUSALS = {
    "postgres": (psycopg.OperationalError,),
    "redis": (RedisConnectionError,),
    "rabbitmq": (ssl.SSLError, OSError),
}


class TestServersOfTheCluster:
    def test_are_asked_by_tls(self, server: Secured) -> None:
        assert ASK[server.name](server.url()).startswith("TLS")

    def test_are_not_believed_with_the_certificate_of_another_ca(self, server: Secured, other_ca: Path) -> None:
        with pytest.raises(REFUSALS[server.name], match=r"(?i)certificate verify failed"):
            ASK[server.name](server.url(ca=other_ca))

    def test_are_not_believed_at_another_name(self, server: Secured) -> None:
        with pytest.raises(REFUSALS[server.name], match=r"(?i)mismatch|does not match|IP address"):
            ASK[server.name](server.url(OTHER))

    @pytest.mark.parametrize("server", ["postgres"], indirect=True)
    def test_let_the_owner_copy_the_database_by_tls_alone(self, server: Secured) -> None:
        owner = read_secrets(server.secrets)["owner"]["DATABASE_OWNER_URL"]
        url = server.reached(owner) + "&replication=true"

        with closing(psycopg.connect(url, autocommit=True)) as copying:
            assert copying.pgconn.exec_(b"IDENTIFY_SYSTEM").ntuples == 1
        with pytest.raises(psycopg.OperationalError, match="no encryption"):
            psycopg.connect(url.replace("verify-full", "disable"))

    def test_answer_nobody_without_tls(self, server: Secured) -> None:
        with pytest.raises((*REFUSALS[server.name], ConnectionError)):
            ASK[server.name](server.plain_url())


@pytest.fixture(scope="module")
def redis(place: Path, shop: Rendered) -> Iterator[Secured]:
    secrets = place / "k8s" / "overlays" / "local" / "secrets"
    with temporary_folder() as folder, a_redis(folder, shop, secrets / "tls-redis") as port:
        yield Secured("redis", port, secrets)


class TestRedisAsTheBroker:
    """By itself, Celery would take any certificate there."""

    def test_is_asked_by_tls(self, redis: Secured) -> None:
        assert ask_broker(redis.url()) == "TLS"

    @pytest.mark.parametrize("host", [NAMED, OTHER])
    def test_is_not_believed_for_less(self, redis: Secured, other_ca: Path, host: str) -> None:
        wrong = partial(redis.url, host, other_ca) if host == NAMED else partial(redis.url, host)

        with pytest.raises(Exception, match=r"(?i)certificate verify failed"):
            ask_broker(wrong())


class TestCertificates:
    def test_are_by_the_ca_for_the_name_of_the_service(self, place: Path, shop: Rendered) -> None:
        secrets = place / "k8s" / "overlays" / "local" / "secrets"
        for name, host in {"nginx": "nexus.localhost", "web": "web", **{name: name for name in NAMES}}.items():
            words = [
                "-x509_strict",
                "-purpose",
                "sslserver",
                "-verify_hostname",
                host,
                "-CAfile",
                str(secrets / "ca.crt"),
            ]
            done = subprocess.run(
                ["openssl", "verify", *words, secrets / f"tls-{name}" / "tls.crt"],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr

    def test_s13_leave_the_key_of_the_ca_at_home(self, shop: Rendered) -> None:
        secrets = {each["metadata"]["name"]: each["data"].keys() for each in shop.of("Secret")}

        assert {
            re.sub(r"^(tls-[a-z]+)-.*", r"\1", name): set(keys)
            for name, keys in secrets.items()
            if name.startswith("tls-")
        } == {
            "tls-ca": {"ca.crt"},
            "tls-nginx": {"tls.crt", "tls.key"},
            "tls-web": {"tls.crt", "tls.key", "ca.crt"},
            "tls-postgres": {"tls.crt", "tls.key"},
            "tls-redis": {"tls.crt", "tls.key", "ca.crt"},
            "tls-rabbitmq": {"tls.crt", "tls.key", "ca.crt"},
        }
        assert "ca.key" not in (K8S / "overlays" / "local" / "kustomization.yaml").read_text()
