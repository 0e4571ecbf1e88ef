"""The files of Docker Compose say what they should, by their schema and by what they lead to."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from django.conf import settings

from config.queues import MONEY
from config.roles import ROLES
from proxy_conf import NGINX, defaults
from tests.production.settings import names_asked_for
from tests.runtime.shop import ROOT

DOCKER = ROOT / "infra" / "docker"
FILES = [DOCKER / "docker-compose.yml", ROOT / "compose.yaml"]
OURS = ("migrate", "web", "worker", "worker-money", "beat")
# Settings of other places than a shop in Compose: of the image, of other services, of tests and laptops.
ELSEWHERE = {
    "BACKUP_EVERY_HOURS", "BACKUP_IDENTITIES", "BACKUP_KEEP_DAYS", "BACKUP_RECIPIENTS", "BACKUP_URL",
    "DATABASE_OWNER_URL", "DEBUG", "FIELD_KEYS", "FLUTTERWAVE_API_BASE", "MAILGUN_API_URL", "PAYPAL_API_BASE", "PORT",
    "POSTGRES_PROGRAMS", "SANDBOX", "SANDBOX_SLOW_SECONDS", "SECRET_KEY", "STATIC_ROOT", "STRIPE_API_BASE",
    "THROTTLES", "WEB_HOST", "WEB_SERVER", "WORKER_PRIORITY", "WORKER_QUEUES", "WORKER_THREADS",
}  # fmt: skip
SERVERS = {"keys", "postgres", "redis", "rabbitmq"}
# service -> the profile that it is started with, of those that are not started by themselves.
PROFILES = {"opensearch": "search", "backup": "backup", "drill": "drill"}


def composed(folder: Path, **environment: str) -> dict[str, Any]:
    """Return what an engine reads in that folder: included, merged, with its variables filled in."""
    program = Path(sys.executable).with_name("podman-compose")
    profiles = [word for name in PROFILES.values() for word in ("--profile", name)]
    words = ["--dry-run", *profiles, "config"]  # without an engine
    place = {"PATH": "/nonexistent", "HOME": "/nonexistent"}
    done = subprocess.run(
        [str(program), *words], cwd=folder, capture_output=True, text=True, check=False, env=place | environment
    )
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = yaml.safe_load(done.stdout)
    return read


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = composed(DOCKER)["services"]
    return found


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """The keys that the service `keys` would have made."""
    (tmp_path / "secret_key").write_text("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN")
    (tmp_path / "field_keys").write_text("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    return {f"{name.upper()}_FILE": str(tmp_path / name) for name in ("secret_key", "field_keys")}


class TestFiles:
    @pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
    def test_follow_the_specification(self, file: Path) -> None:
        program = Path(sys.executable).with_name("check-jsonschema")
        words = ["--builtin-schema", "vendor.compose-spec", str(file)]

        done = subprocess.run([str(program), *words], capture_output=True, text=True, check=False)

        assert done.returncode == 0, done.stdout + done.stderr

    def test_are_the_same_shop_in_the_root_and_in_their_folder(self) -> None:
        here, there = composed(DOCKER), composed(ROOT)

        assert here["services"].keys() == there["services"].keys()
        assert here["services"]["web"] == there["services"]["web"]
        assert here["volumes"].keys() == there["volumes"].keys()

    def test_have_an_example_of_every_variable(self) -> None:
        asked = set(re.findall(r"\$\{([A-Z_]+)", FILES[0].read_text()))
        shown = set(re.findall(r"^#? ?([A-Z_]+)=", (DOCKER / ".env.example").read_text(), re.MULTILINE))

        assert asked == shown - {"COMPOSE_PROFILES"}

    def test_take_the_example_as_it_is(self) -> None:
        lines = (DOCKER / ".env.example").read_text().splitlines()
        example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

        assert composed(DOCKER, **example) == composed(DOCKER)

    def test_mount_files_that_are_there(self, services: dict[str, Any]) -> None:
        named = re.findall(r"^\s+- (\.\./[^:\s]+)", FILES[0].read_text(), re.MULTILINE)

        assert len(named) >= 3
        assert [name for name in named if not (DOCKER / name).exists()] == []


class TestServices:
    def test_are_all_there(self, services: dict[str, Any]) -> None:
        assert set(services) == {*OURS, *SERVERS, "certificates", "nginx", "mail", *PROFILES}
        found = {name: each["profiles"] for name, each in services.items() if "profiles" in each}
        assert found == {name: [profile] for name, profile in PROFILES.items()}

    def test_begin_when_those_that_they_need_are_well(self, services: dict[str, Any]) -> None:
        for name in OURS:
            needed = services[name]["depends_on"]
            assert needed.keys() >= SERVERS
            for server in SERVERS - {"keys"}:
                assert needed[server]["condition"] == "service_healthy"
                assert "test" in services[server]["healthcheck"]
            assert needed["keys"]["condition"] == "service_completed_successfully"
        for name in set(OURS) - {"migrate"}:
            assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        assert services["nginx"]["depends_on"]["web"]["condition"] == "service_healthy"

    def test_have_the_roles_of_the_image(self, services: dict[str, Any]) -> None:
        assert {services[name]["command"][0] for name in OURS} == {*ROLES, "migrate"}
        script = (DOCKER / "nexus").read_text()
        assert re.findall(r"^([a-z]+)\)", script, re.MULTILINE) == ["migrate", "keys", "certify", "alive"]

    def test_have_a_worker_for_all_queues_and_one_for_money_before_it(self, services: dict[str, Any]) -> None:
        everything, money = (services[name]["environment"] for name in ("worker", "worker-money"))

        assert money["WORKER_QUEUES"] == MONEY
        assert int(money["WORKER_PRIORITY"]) > settings.WORKER_PRIORITY
        assert {name: money[name] for name in everything} == everything
        assert not {"WORKER_QUEUES", "WORKER_PRIORITY"} & everything.keys()

    def test_take_every_setting_of_the_shop(self, services: dict[str, Any], keys: dict[str, str]) -> None:
        given = services["web"]["environment"]
        asked = names_asked_for({**given, **keys})
        ours = {name for name in asked if f"{name}_FILE" in asked}
        shown = set(re.findall(r"^# ?([A-Z][A-Z0-9_]+)=", (DOCKER / "shop.env.example").read_text(), re.MULTILINE))

        assert ours - given.keys() - ELSEWHERE == shown
        assert all("shop.env" in str(services[name]["env_file"]) for name in OURS)

    def test_write_nowhere_and_may_nothing(self, services: dict[str, Any]) -> None:
        for name in (*OURS, "backup", "drill", "keys", "certificates", "nginx"):
            each = services[name]
            assert each["read_only"] is True, name
            assert each["cap_drop"] == ["ALL"], name
            assert each["security_opt"] == ["no-new-privileges:true"], name

    def test_serve_as_another_than_the_owner_of_the_tables(self, services: dict[str, Any]) -> None:
        owner = urlsplit(services["migrate"]["environment"]["DATABASE_OWNER_URL"])
        server = services["postgres"]["environment"]

        assert (owner.username, owner.password) == (server["POSTGRES_USER"], server["POSTGRES_PASSWORD"])
        for name in OURS:
            serving = urlsplit(services[name]["environment"]["DATABASE_URL"])
            assert (serving.hostname, serving.path) == (owner.hostname, owner.path)
            assert serving.username != owner.username
            assert serving.password != owner.password
        told = [name for name, each in services.items() if "DATABASE_OWNER_URL" in each.get("environment", {})]
        assert sorted(told) == ["backup", "migrate"]

    def test_leave_a_database_elsewhere_to_the_one_role_that_is_named(self) -> None:
        url = "postgres://one:word@db.example.com:5432/shop"

        told = composed(DOCKER, DATABASE_URL=url)["services"]["migrate"]["environment"]

        assert (told["DATABASE_URL"], told["DATABASE_OWNER_URL"]) == (url, url)

    def test_are_reached_from_outside_through_nginx_alone(self, services: dict[str, Any]) -> None:
        ports = {name: each["ports"] for name, each in services.items() if each.get("ports")}

        assert ports.keys() == {"nginx", "mail"}
        assert json.dumps(ports["mail"]).count("127.0.0.1") == 1
        assert composed(DOCKER)["networks"]["back"]["internal"] is True
        for server in ("postgres", "redis", "rabbitmq", "opensearch"):
            assert services[server]["networks"] == ["back"]

    def test_boot_production_and_name_whom_they_ask_without_tls(
        self, services: dict[str, Any], keys: dict[str, str]
    ) -> None:
        environment = services["web"]["environment"] | keys

        names_asked_for(environment)

        for host in environment["PLAIN_HOSTS"].split(","):
            assert set(services[host]["networks"]) <= {"front", "back"}, host
            assert "back" in services[host]["networks"], host

    def test_s13_keep_no_password_of_the_file_once_others_reach_them(self, keys: dict[str, str]) -> None:
        seen = {"ALLOWED_HOSTS": "shop.example", "PUBLIC_URL": "https://shop.example"}
        one, other, third = "0f" * 12, "1e" * 12, "2d" * 12
        composed_with = partial(composed, DOCKER, **seen)
        kept = composed_with()["services"]["web"]["environment"]
        new = {"POSTGRES_PASSWORD": one, "RABBITMQ_PASSWORD": other, "SHOP_PASSWORD": third}
        changed = composed_with(**new)["services"]["web"]["environment"]

        with pytest.raises(AssertionError, match=r"DATABASE_URL: its password .*; BROKER_URL: its password"):
            names_asked_for(kept | keys)
        assert names_asked_for(changed | keys)

    def test_count_where_nothing_is_left_of_the_life_before(self, services: dict[str, Any]) -> None:
        for name in OURS:
            each = services[name]
            places = [place.partition(":")[0] for place in each["tmpfs"]]
            assert any(Path(each["environment"]["METRICS_FOLDER"]).is_relative_to(place) for place in places), name

    def test_believe_the_network_that_nginx_is_in(self) -> None:
        told = composed(DOCKER, FRONT_SUBNET="10.9.8.0/24")

        assert told["networks"]["front"]["ipam"]["config"] == [{"subnet": "10.9.8.0/24"}]
        assert told["services"]["web"]["environment"]["TRUSTED_PROXIES"] == "10.9.8.0/24"

    def test_of_web_and_nginx_share_a_ca_and_each_has_its_own_of_the_rest(self, services: dict[str, Any]) -> None:
        maker, web = services["certificates"], services["web"]
        places = {
            name: dict(each.split(":")[:2] for each in services[name]["volumes"] if each.startswith("tls-"))
            for name in services
            if any(str(each).startswith("tls-") for each in services[name].get("volumes", []))
        }

        assert maker["command"] == ["certify", "/tls", defaults()["NEXUS_SHOP_NAME"]]
        assert places == {
            "certificates": {"tls-ca": "/tls/ca", "tls-web": "/tls/web", "tls-trusted": "/tls/trusted"},
            "web": {"tls-web": "/tls/web"},
            "nginx": {"tls-trusted": "/srv/tls"},
        }
        told = web["environment"]
        assert (told["WEB_TLS_CERTIFICATE"], told["WEB_TLS_KEY"]) == ("/tls/web/certificate.pem", "/tls/web/key.pem")
        assert {key: value for key, value in told.items() if not key.startswith("WEB_TLS")} == services["worker"][
            "environment"
        ]
        assert set(services["worker"]["volumes"]) == set(web["volumes"]) - {"tls-web:/tls/web:ro"}
        assert (defaults()["NEXUS_SHOP_SCHEME"], defaults()["NEXUS_SHOP_CA"]) == ("https", "/srv/tls/ca.pem")
        assert web["depends_on"]["certificates"]["condition"] == "service_completed_successfully"

    def test_give_nginx_the_defaults_of_its_templates(self, services: dict[str, Any]) -> None:
        text = "".join(file.read_text() for file in (NGINX / "templates").iterdir())

        assert set(re.findall(r"\$\{(NEXUS_\w+)\}", text)) == defaults().keys()
        assert services["nginx"]["environment"]["NGINX_ENVSUBST_FILTER"] == "^NEXUS_"
