"""A cluster takes the manifests, what they name is there, and they start the shop as its settings want it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import kubernetes_validate
import pytest

from tests.production.manifests import (
    APP,
    BEHIND_AN_INGRESS,
    K8S,
    OVERLAYS,
    ROOT,
    SERVERS,
    Rendered,
    certificate_of,
    render,
    secret_of,
    selects,
    write_secrets,
)
from tests.production.settings import names_asked_for

# The oldest that knows `preStop: sleep`, which docs/kubernetes.md names, and the newest that is known.
VERSIONS = ("1.30", kubernetes_validate.latest_version())


class TestSchema:
    @pytest.fixture(params=[*OVERLAYS, BEHIND_AN_INGRESS])
    def shop(self, request: pytest.FixtureRequest, folder: Path) -> Rendered:
        return render(request.param, folder)

    @pytest.mark.parametrize("version", VERSIONS)
    def test_is_kept(self, shop: Rendered, version: str) -> None:
        for document in shop.documents:
            kubernetes_validate.validate(document, version, strict=True)

    def test_has_one_object_of_a_name(self, shop: Rendered) -> None:
        names = [(document["kind"], document["metadata"]["name"]) for document in shop.documents]

        assert len(names) == len(set(names))
        assert {document["metadata"].get("namespace", "nexus") for document in shop.documents} == {"nexus"}


class TestReferences:
    def test_lead_to_what_is_there(self, shop: Rendered) -> None:
        maps = {each["metadata"]["name"] for each in shop.of("ConfigMap")}
        claims = {each["metadata"]["name"] for each in shop.of("PersistentVolumeClaim")}
        for component, pod in shop.pods.items():
            container = shop.container(component)
            for source in container.get("envFrom", []):
                assert source.get("configMapRef", {}).get("name") in maps | {None}
                assert secret_of(source.get("secretRef", {"name": "nexus"})["name"])
            volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
            for mount in container.get("volumeMounts", []):
                assert mount["name"] in volumes or component in {*SERVERS, "backup"}
            for volume in volumes.values():
                assert volume.get("configMap", {}).get("name") in maps | {None}
                assert volume.get("persistentVolumeClaim", {}).get("claimName") in claims | {None}
                if "secret" in volume:
                    assert certificate_of(volume["secret"]["secretName"]) in {"tls-ca", f"tls-{component}"}

    def test_of_selectors_find_pods(self, shop: Rendered) -> None:
        labels = {component: pod["metadata"]["labels"] for component, pod in shop.pods.items()}
        for service in shop.of("Service"):
            (found,) = [
                name for name, its in labels.items() if selects({"matchLabels": service["spec"]["selector"]}, its)
            ]
            ports = {port["name"] for port in shop.container(found)["ports"]}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
        for owner in shop.of("Deployment", "StatefulSet", "PodDisruptionBudget"):
            assert len([name for name, its in labels.items() if selects(owner["spec"]["selector"], its)]) == 1

    def test_of_servers_are_services_of_these_names(self, shop: Rendered) -> None:
        environment = shop.environment("web")
        for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL"):
            url = urlsplit(environment[name])
            assert url.hostname is not None
            assert [port["port"] for port in shop.one("Service", url.hostname)["spec"]["ports"]] == [url.port]

    def test_of_passwords_are_those_of_the_servers(self, shop: Rendered) -> None:
        ours = shop.environment("web")

        owner = urlsplit(shop.environment("migrate")["DATABASE_OWNER_URL"])
        assert owner.password == shop.environment("postgres")["POSTGRES_PASSWORD"]
        assert urlsplit(ours["REDIS_URL"]).password == shop.environment("redis")["REDISCLI_AUTH"]
        assert urlsplit(ours["BROKER_URL"]).password == shop.environment("rabbitmq")["RABBITMQ_DEFAULT_PASS"]

    def test_of_hosts_are_one(self, shop: Rendered) -> None:
        environment = shop.environment("web")

        public = urlsplit(environment["PUBLIC_URL"])

        assert public.hostname in environment["ALLOWED_HOSTS"].split(",")
        assert shop.environment("nginx")["NEXUS_HTTPS_SUFFIX"] == (f":{public.port}" if public.port else "")


class TestEnvironment:
    def test_boots_production_and_has_nothing_that_it_does_not_read(self, shop: Rendered) -> None:
        environment = shop.environment("migrate")

        asked = names_asked_for(environment)

        assert environment.keys() <= asked

    def test_is_one_for_all_that_are_the_shop(self, shop: Rendered) -> None:
        of_migrate, *others = (
            {name: value for name, value in shop.environment(component).items() if not name.startswith("WORKER_")}
            for component in ("migrate", *APP[:-1])
        )

        assert [of_migrate | each for each in others] == [of_migrate] * len(others)
        assert [of_migrate.keys() - each.keys() for each in others] == [{"DATABASE_OWNER_URL"}] * len(others)

    def test_has_web_worker_and_beat_serve_as_another_than_the_owner(self, shop: Rendered) -> None:
        owner = urlsplit(shop.environment("migrate")["DATABASE_OWNER_URL"])
        serving = urlsplit(shop.environment("web")["DATABASE_URL"])

        assert (owner.hostname, owner.port, owner.path) == (serving.hostname, serving.port, serving.path)
        assert owner.username == shop.environment("postgres")["POSTGRES_USER"] != serving.username
        assert owner.password != serving.password

    def test_s13_has_no_secret_that_is_committed(self, folder: Path) -> None:
        production = render("production", folder)
        assert list(production.of("Secret")) == []
        assert (K8S / "overlays/local/secrets/.gitignore").read_text() == "*\n!.gitignore\n"
        for settings_map in production.of("ConfigMap"):
            assert not set(settings_map["data"]) & {name for lines in production.secrets.values() for name in lines}


class TestMakeSecrets:
    def test_makes_new_ones_once(self, folder: Path, tmp_path: Path) -> None:
        first = render("production", folder).secrets
        again = folder / "k8s" / "overlays" / "local" / "secrets"
        before = {file: file.read_bytes() for file in again.rglob("*") if file.is_file()}

        from_nothing = subprocess.run(
            [ROOT / "infra/k8s/make_secrets.sh", tmp_path, "consolemail://"], check=True, capture_output=True, text=True
        )
        subprocess.run([ROOT / "infra/k8s/make_secrets.sh", again, "consolemail://", "nexus.localhost"], check=True)

        assert from_nothing.stdout == ""
        assert (tmp_path / "nexus.env").stat().st_mode & 0o077 == 0
        assert first["nexus"]["SECRET_KEY"] not in (tmp_path / "nexus.env").read_text()
        assert {file: file.read_bytes() for file in again.rglob("*") if file.is_file()} == before
        assert {file.name for file in before} >= {"nexus.env", "ca.crt", "ca.key", "tls.crt", "tls.key"}

    def test_makes_none_for_people_where_no_host_is_named(self, tmp_path: Path) -> None:
        subprocess.run([ROOT / "infra/k8s/make_secrets.sh", tmp_path, "consolemail://"], check=True)

        assert not (tmp_path / "tls-nginx").exists(), "it would be put before customers, whose browsers warn"

    def test_makes_a_certificate_anew_that_was_deleted_and_none_without_the_key_of_the_ca(self, tmp_path: Path) -> None:
        write_secrets(tmp_path)
        kept, gone = tmp_path / "tls-redis" / "tls.crt", tmp_path / "tls-postgres" / "tls.crt"
        before = (kept.read_bytes(), gone.read_bytes())
        gone.unlink()
        write_secrets(tmp_path)
        anew = (kept.read_bytes(), gone.read_bytes())
        gone.unlink()
        (tmp_path / "ca.key").unlink()

        with pytest.raises(subprocess.CalledProcessError):
            write_secrets(tmp_path)

        assert anew[0] == before[0]
        assert anew[1] != before[1]
        assert not gone.exists()
        assert not (tmp_path / "ca.key").exists()
