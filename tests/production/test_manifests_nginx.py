"""Nginx in the cluster: the only way in, alone or behind an Ingress, and how it asks the shop."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.production.manifests import (
    BEHIND_AN_INGRESS,
    NGINX,
    Rendered,
    certificate_of,
    render,
)


class TestTlsOfWeb:
    def test_is_with_the_certificate_of_its_secret(self, shop: Rendered) -> None:
        (mount,) = [each for each in shop.container("web")["volumeMounts"] if each["name"] == "tls"]
        told = shop.environment("web")

        assert told["WEB_TLS_CERTIFICATE"] == f"{mount['mountPath']}/tls.crt"
        assert told["WEB_TLS_KEY"] == f"{mount['mountPath']}/tls.key"

    def test_is_what_nginx_asks_by_and_checks(self, shop: Rendered) -> None:
        told, service = shop.environment("nginx"), shop.one("Service", "web")
        volumes = {volume["name"]: volume for volume in shop.pods["nginx"]["spec"]["volumes"]}
        mounts = {mount["mountPath"]: mount["name"] for mount in shop.container("nginx")["volumeMounts"]}
        ca = Path(told["NEXUS_SHOP_CA"])

        assert (told["NEXUS_SHOP_SCHEME"], told["NEXUS_SHOP_NAME"]) == ("https", service["metadata"]["name"])
        assert {name.split()[1] for name in told["NEXUS_SHOP"].split(";")[:-1]} == {
            f"web:{service['spec']['ports'][0]['port']}"
        }
        assert certificate_of(volumes[mounts[str(ca.parent)]]["secret"]["secretName"]) == "tls-ca"
        assert ca.name == "ca.crt"


def template(name: str) -> str:
    return (NGINX / "templates" / f"{name}.conf.template").read_text()


def places() -> str:
    return template("places")


def mebibytes(text: str) -> int:
    return int(text[:-2]) * {"Mi": 1, "Gi": 1024}[text[-2:]]


class TestNginx:
    """What its pods are; what they do, see ``test_nginx_pod.py``."""

    def test_is_the_only_way_in(self, shop: Rendered) -> None:
        opened = {
            service["metadata"]["name"]
            for service in shop.of("Service")
            if service["spec"].get("type", "ClusterIP") != "ClusterIP"
        }

        assert opened <= {"nginx"}
        assert list(shop.of("Ingress")) == []

    def test_is_told_the_clients_address_by_the_balancer_and_keeps_a_client_at_one_pod(self, folder: Path) -> None:
        service = render("production", folder).one("Service", "nginx")["spec"]

        assert (service["type"], service["externalTrafficPolicy"]) == ("LoadBalancer", "Local")
        assert service["sessionAffinity"] == "ClientIP"

    def test_shows_the_certificate_of_its_secret(self, shop: Rendered) -> None:
        told = shop.environment("nginx")
        (mount,) = [each for each in shop.container("nginx")["volumeMounts"] if each["name"] == "tls"]

        assert told["NEXUS_CERTIFICATE"] == f"{mount['mountPath']}/tls.crt"
        assert told["NEXUS_CERTIFICATE_KEY"] == f"{mount['mountPath']}/tls.key"

    def test_listens_at_the_ports_of_its_pod(self, shop: Rendered) -> None:
        told, container = shop.environment("nginx"), shop.container("nginx")
        ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}

        assert ports == {"http": told["NEXUS_HTTP"], "https": told["NEXUS_HTTPS"], "health": told["NEXUS_HEALTH"]}
        for name in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[name]["httpGet"] == {"path": "/alive", "port": "health"}

    def test_writes_to_memory_that_it_may_use(self, shop: Rendered) -> None:
        told, container = shop.environment("nginx"), shop.container("nginx")
        volumes = {volume["name"]: volume for volume in shop.pods["nginx"]["spec"]["volumes"]}
        kept = {
            mount["mountPath"]: volumes[mount["name"]]["emptyDir"]
            for mount in container["volumeMounts"]
            if "emptyDir" in volumes[mount["name"]]
        }
        pictures = max(int(found) for found in re.findall(r"client_max_body_size (\d+)m;", places()))

        assert kept.keys() == {told["NEXUS_RUN"], told["NEXUS_CACHE"], "/tmp"}
        assert {volume["medium"] for volume in kept.values()} == {"Memory"}
        most = sum(mebibytes(volume["sizeLimit"]) for volume in kept.values())
        assert mebibytes(container["resources"]["limits"]["memory"]) > most + 256
        cache = mebibytes(kept[told["NEXUS_CACHE"]]["sizeLimit"])
        assert cache >= int(told["NEXUS_CACHE_SIZE"].removesuffix("m")) + 3 * pictures
        assert told["NGINX_ENVSUBST_OUTPUT_DIR"] == told["NEXUS_RUN"]

    def test_sends_uploads_from_the_folder_that_the_shop_writes(self, shop: Rendered) -> None:
        ours, theirs = (
            [mount for mount in shop.container(component)["volumeMounts"] if mount["name"] == "media"]
            for component in ("nginx", "web")
        )

        (mount,) = ours
        assert mount["mountPath"] == f"{shop.environment('nginx')['NEXUS_FILES']}/media"
        assert mount["readOnly"] is True
        assert mount["subPath"] in {each["subPath"] for each in theirs if each["mountPath"].endswith("/media")}
        groups = {
            shop.pods[component]["spec"]["securityContext"]["fsGroup"] for component in ("nginx", "web", "worker")
        }
        assert len(groups) == 1, "or each of them would change the volume's group"

    def test_starts_with_what_sees_a_renewed_certificate(self, shop: Rendered) -> None:
        (mount,) = [each for each in shop.container("nginx")["volumeMounts"] if each.get("subPath") == "renew.sh"]
        volumes = {volume["name"]: volume for volume in shop.pods["nginx"]["spec"]["volumes"]}

        assert Path(mount["mountPath"]).parent == Path("/docker-entrypoint.d")
        assert mount["mountPath"].endswith(".sh")
        assert volumes[mount["name"]]["configMap"]["defaultMode"] & 0o111 == 0o111, "the image runs no other"

    def test_ends_requests(self, shop: Rendered) -> None:
        *_, drained = shop.container("nginx")["lifecycle"]["preStop"]["exec"]["command"]
        longest = int(re.search(r"proxy_read_timeout (\d+)s;", template("onward"))[1])  # type: ignore[index]

        assert shop.pods["nginx"]["spec"]["terminationGracePeriodSeconds"] > int(drained) + longest

    def test_asks_a_web_pod_that_leaves_no_more_before_it_ends(self, shop: Rendered) -> None:
        longest = int(re.search(r"keepalive_time (\d+)s;", template("shop"))[1])  # type: ignore[index]

        assert longest < shop.container("web")["lifecycle"]["preStop"]["sleep"]["seconds"]


class TestBehindAnIngress:
    @pytest.fixture
    def shop(self, folder: Path) -> Rendered:
        return render(BEHIND_AN_INGRESS, folder)

    def test_people_come_by_it_alone_and_it_shows_them_their_certificate(self, shop: Rendered) -> None:
        ingress = shop.one("Ingress", "nginx")["spec"]
        host = shop.environment("web")["ALLOWED_HOSTS"].split(",")[0]

        assert [service["spec"].get("type", "ClusterIP") for service in shop.of("Service")].count("ClusterIP") == len(
            list(shop.of("Service"))
        )
        assert not shop.one("Service", "nginx")["spec"].keys() & {"externalTrafficPolicy", "sessionAffinity"}
        assert ingress["ingressClassName"]
        assert ingress["tls"] == [{"hosts": [host], "secretName": "tls-nginx"}]
        assert [rule["host"] for rule in ingress["rules"]] == [host]

    def test_leads_to_the_port_of_nginx_that_speaks_tls(self, shop: Rendered) -> None:
        (path,) = shop.one("Ingress", "nginx")["spec"]["rules"][0]["http"]["paths"]
        service = shop.one("Service", path["backend"]["service"]["name"])["spec"]
        (port,) = [each for each in service["ports"] if each["name"] == path["backend"]["service"]["port"]["name"]]
        ports = {each["name"]: str(each["containerPort"]) for each in shop.container("nginx")["ports"]}

        assert (path["path"], path["pathType"]) == ("/", "Prefix")
        assert ports[port["targetPort"]] == shop.environment("nginx")["NEXUS_HTTPS"]

    def test_nginx_shows_it_a_certificate_by_the_ca_of_the_servers(self, shop: Rendered) -> None:
        volumes = {volume["name"]: volume for volume in shop.pods["nginx"]["spec"]["volumes"]}

        assert volumes["tls"]["secret"]["secretName"] == "tls-inside"

    def test_its_pods_are_believed_who_the_client_is(self, shop: Rendered) -> None:
        told = shop.environment("nginx")

        assert told["NEXUS_BALANCER"] == shop.environment("web")["TRUSTED_PROXIES"].split(",")[0]
        assert told["NEXUS_CLIENT_FROM"] == "X-Forwarded-For"

    def test_is_let_in_and_nobody_else(self, shop: Rendered) -> None:
        assert shop.lets_through("ns:traefik", "nginx", 8443)
        others = ("ns:another", "203.0.113.9", "2001:db8::9", "10.0.0.1", "web")
        assert not [start for start in others if shop.lets_through(start, "nginx", 8443)]
        assert not shop.lets_through("ns:traefik", "nginx", 8080)
        assert not shop.lets_through("ns:traefik", "nginx", 8081)
        assert not shop.lets_through("ns:traefik", "web", 8000)

    def test_adds_an_ingress_and_takes_nothing_away(self, shop: Rendered, folder: Path) -> None:
        before, behind = (
            {(each["kind"], each["metadata"]["name"]) for each in of.documents if each["kind"] != "ConfigMap"}
            for of in (render("production", folder), shop)
        )

        assert behind - before == {("Ingress", "nginx")}
        assert before - behind == set()
