"""A cluster takes the manifests, they start the shop as its settings want it, and open nothing that could be shut."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
from django.conf import settings

from config.queues import MONEY
from config.settings import processes
from core import health
from tests.production.manifests import (
    BEHIND_AN_INGRESS,
    COMPONENT,
    K8S,
    NGINX,
    OVERLAYS,
    ROOT,
    WORKLOADS,
    Rendered,
    render,
    secret_of,
    selects,
    write_secrets,
)
from tests.production.settings import names_asked_for

# The oldest that knows `preStop: sleep`, which docs/kubernetes.md names, and the newest that is known.
VERSIONS = ("1.30", kubernetes_validate.latest_version())
APP = ("web", "worker", "worker-money", "beat", "migrate")
SERVERS = ("postgres", "redis", "rabbitmq")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("manifests")


@pytest.fixture(params=OVERLAYS)
def shop(request: pytest.FixtureRequest, folder: Path) -> Rendered:
    return render(request.param, folder)


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


class TestPods:
    def test_may_do_nothing_that_they_need_not(self, shop: Rendered) -> None:
        for pod in shop.pods.values():
            spec = pod["spec"]
            assert spec["automountServiceAccountToken"] is False
            assert spec["securityContext"]["runAsNonRoot"] is True
            assert spec["securityContext"]["runAsUser"] > 0
            assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
            assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC", "initContainers"}
            assert not [volume for volume in spec.get("volumes", []) if "hostPath" in volume]
            for container in spec["containers"]:
                context = container["securityContext"]
                assert context["readOnlyRootFilesystem"] is True
                assert (context["allowPrivilegeEscalation"], context["privileged"]) == (False, False)
                assert context["capabilities"] == {"drop": ["ALL"]}

    def test_have_limits(self, shop: Rendered) -> None:
        for component in shop.pods:
            resources = shop.container(component)["resources"]
            assert resources["requests"].keys() == resources["limits"].keys() == {"cpu", "memory"}

    def test_are_asked_whether_they_live(self, shop: Rendered) -> None:
        for component in shop.pods.keys() - {"migrate", "drill"}:
            assert "livenessProbe" in shop.container(component)
        for component in ("web", "nginx", *SERVERS):
            assert {"startupProbe", "readinessProbe"} <= shop.container(component).keys()

    def test_of_the_shop_are_the_image_with_a_role(self, shop: Rendered) -> None:
        for component in APP:
            container = shop.container(component)
            assert container["args"] == [component.removesuffix("-money")]
            assert "command" not in container
            assert re.search(r"nexus(:local)?$", container["image"])
            assert shop.pods[component]["spec"]["securityContext"]["runAsUser"] == 10001

    def test_write_where_the_settings_say(self, shop: Rendered) -> None:
        data = shop.environment("web")["NEXUS_DATA"]
        ours = {Path(place).relative_to(settings.DATA) for place in (settings.MEDIA_ROOT, private_folder())}

        for component in ("web", "worker", "worker-money"):
            mounts = {mount["mountPath"] for mount in shop.container(component)["volumeMounts"]}
            assert {f"{data}/{place}" for place in ours} <= mounts

    def test_of_the_shop_know_the_ca_and_no_key_but_webs_its_own(self, shop: Rendered) -> None:
        for component in APP:
            own = "tls-web" if component == "web" else "tls-ca"
            volumes = {volume["name"]: volume for volume in shop.pods[component]["spec"]["volumes"]}
            (mount,) = [each for each in shop.container(component)["volumeMounts"] if each["name"] == "tls"]
            assert certificate_of(volumes["tls"]["secret"]["secretName"]) == own
            assert f"{mount['mountPath']}/ca.crt" in shop.environment(component)["DATABASE_URL"]

    def test_labels_say_which_part_they_are(self, shop: Rendered) -> None:
        for document in shop.of(*WORKLOADS):
            assert document["metadata"]["labels"][COMPONENT] == document["metadata"]["name"]


def certificate_of(name: str) -> str:
    """The Secret's name before kustomize gave it the hash of what is in it."""
    (found,) = re.findall(r"^tls-(?:ca|inside|nginx|web|postgres|redis|rabbitmq)(?=$|-)", name)
    return str(found)


def private_folder() -> Path:
    return Path(settings.STORAGES["private"]["OPTIONS"]["location"])


class TestMetrics:
    @pytest.mark.parametrize("component", ["web", "worker"])
    def test_have_a_port_where_prometheus_looks(self, shop: Rendered, component: str) -> None:
        environment, annotations = shop.environment(component), shop.pods[component]["metadata"]["annotations"]
        ports = {port["name"]: port["containerPort"] for port in shop.container(component)["ports"]}

        assert environment["METRICS_HOST"] == "0.0.0.0"
        assert str(ports["metrics"]) == environment["METRICS_PORT"] == annotations["prometheus.io/port"]
        assert (annotations["prometheus.io/scrape"], annotations["prometheus.io/path"]) == ("true", "/metrics")

    @pytest.mark.parametrize("component", ["web", "worker", "beat"])
    def test_are_counted_where_a_pod_may_write_and_none_was_before(self, shop: Rendered, component: str) -> None:
        mounts = {mount["mountPath"]: mount["name"] for mount in shop.container(component)["volumeMounts"]}
        volumes = {volume["name"]: volume for volume in shop.pods[component]["spec"]["volumes"]}

        (place,) = [path for path in mounts if Path(shop.environment(component)["METRICS_FOLDER"]).is_relative_to(path)]
        assert "emptyDir" in volumes[mounts[place]]


class TestWebProbes:
    def test_ask_the_addresses_of_health(self, shop: Rendered) -> None:
        web = shop.container("web")

        assert web["livenessProbe"]["httpGet"]["path"] == web["startupProbe"]["httpGet"]["path"] == "/healthz"
        assert web["readinessProbe"]["httpGet"]["path"] == "/readyz"
        asked = {web[name]["httpGet"]["port"] for name in ("livenessProbe", "startupProbe", "readinessProbe")}
        (port,) = [port["containerPort"] for port in web["ports"] if port["name"] in asked]
        assert port == int(shop.environment("web")["PORT"])
        for name in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert web[name]["httpGet"]["scheme"] == "HTTPS"

    def test_come_as_requests_do(self, shop: Rendered) -> None:
        host = shop.environment("web")["ALLOWED_HOSTS"].split(",")[0]

        for name in ("startupProbe", "livenessProbe", "readinessProbe"):
            headers = {each["name"]: each["value"] for each in shop.container("web")[name]["httpGet"]["httpHeaders"]}
            assert headers == {"Host": host, "X-Forwarded-Proto": "https"}

    def test_wait_longer_than_readiness_does_for_what_the_shop_can_do_without(self, shop: Rendered) -> None:
        assert shop.container("web")["readinessProbe"]["timeoutSeconds"] > 3 * health._SECONDS_TO_WAIT

    def test_restart_nothing_that_waits_for_the_database(self, shop: Rendered) -> None:
        probe = shop.container("web")["livenessProbe"]
        options = settings.DATABASES["default"]["OPTIONS"]["options"]
        longest = int(re.search(r"statement_timeout=(\d+)s", options)[1])  # type: ignore[index]

        assert probe["periodSeconds"] * probe["failureThreshold"] > longest


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


def template(name: str) -> str:
    return (NGINX / "templates" / f"{name}.conf.template").read_text()


def places() -> str:
    return template("places")


def mebibytes(text: str) -> int:
    return int(text[:-2]) * {"Mi": 1, "Gi": 1024}[text[-2:]]


class TestRollingUpdate:
    @pytest.mark.parametrize("component", ["web", "worker", "worker-money", "nginx"])
    def test_takes_nothing_away_before_the_new_one_is_there(self, shop: Rendered, component: str) -> None:
        spec = shop.one("Deployment", component)["spec"]

        assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
        assert "replicas" not in spec, "applying it would undo what the autoscaler did"

    def test_ends_requests(self, shop: Rendered) -> None:
        pod, web = shop.pods["web"]["spec"], shop.container("web")
        drained = web["lifecycle"]["preStop"]["sleep"]["seconds"] + processes.SECONDS_FOR_REQUESTS_TO_END

        assert web["lifecycle"]["preStop"]["sleep"]["seconds"] > web["readinessProbe"]["periodSeconds"]
        assert pod["terminationGracePeriodSeconds"] > drained

    def test_ends_tasks(self, shop: Rendered) -> None:
        longest = max(settings.MAIL_LEASE, settings.OUTBOX_LEASE).total_seconds()

        assert shop.pods["worker"]["spec"]["terminationGracePeriodSeconds"] > longest

    def test_have_a_worker_for_all_queues_and_one_for_money_before_it(self, shop: Rendered) -> None:
        everything, money = shop.environment("worker"), shop.environment("worker-money")

        assert money["WORKER_QUEUES"] == MONEY
        assert not {"WORKER_QUEUES", "WORKER_PRIORITY"} & everything.keys()
        assert int(money["WORKER_PRIORITY"]) > settings.WORKER_PRIORITY

    def test_differ_in_their_queues_alone(self, shop: Rendered) -> None:
        everything, money = (shop.one("Deployment", name)["spec"] for name in ("worker", "worker-money"))
        text = json.dumps(money).replace("worker-money", "worker")
        queues = json.dumps(shop.container("worker-money")["env"])

        assert json.loads(text.replace(f'"env": {queues}, ', "")) == everything

    def test_has_one_clock(self, shop: Rendered) -> None:
        spec = shop.one("Deployment", "beat")["spec"]

        assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})

    def test_leaves_some_when_nodes_are_emptied(self, shop: Rendered) -> None:
        for component in ("web", "worker", "worker-money", "nginx"):
            budget = shop.one("PodDisruptionBudget", component)["spec"]
            scaler = shop.one("HorizontalPodAutoscaler", component)["spec"]
            assert budget["maxUnavailable"] == 1
            assert scaler["scaleTargetRef"]["name"] == component

    def test_asks_for_no_more_connections_than_the_database_has(self, shop: Rendered) -> None:
        environment = shop.environment("web")
        most = {
            component: shop.one("HorizontalPodAutoscaler", component)["spec"]["maxReplicas"] + 1  # surge
            for component in ("web", "worker", "worker-money")
        }
        a_web_pod = int(environment["WEB_WORKERS"]) * int(environment["DATABASE_POOL"])
        a_worker_pod = int(environment["DATABASE_POOL"])
        allowed = int(re.search(r"max_connections=(\d+)", " ".join(shop.container("postgres")["args"]))[1])  # type: ignore[index]

        assert int(environment["DATABASE_POOL"]) >= int(environment["WEB_THREADS"])
        assert most["web"] * a_web_pod + (most["worker"] + most["worker-money"]) * a_worker_pod + 10 < allowed


class TestNetwork:
    @pytest.mark.parametrize("component", APP)
    @pytest.mark.parametrize(("server", "port"), [("postgres", 5432), ("redis", 6379), ("rabbitmq", 5671)])
    def test_lets_the_shop_ask_its_servers(self, shop: Rendered, component: str, server: str, port: int) -> None:
        assert shop.lets_through(component, server, port)

    @pytest.mark.parametrize("component", APP)
    def test_lets_the_shop_send_its_log_to_a_collector_of_the_cluster(self, shop: Rendered, component: str) -> None:
        assert shop.lets_through(component, "ns:observability", 4318)
        assert not shop.lets_through(component, "ns:observability", 443)

    @pytest.mark.parametrize(
        ("start", "end", "port"),
        [
            ("203.0.113.9", "nginx", 8080),
            ("203.0.113.9", "nginx", 8443),
            ("2001:db8::9", "nginx", 8443),
            ("10.0.0.1", "nginx", 8443),
            ("ns:another", "nginx", 8443),
            ("nginx", "web", 8000),
            ("worker", "nginx", 8081),
            ("nginx", "ns:kube-system", 53),
            ("web", "ns:kube-system", 53),
            ("web", "203.0.113.9", 443),
            ("worker", "203.0.113.9", 587),
            ("worker", "2001:db8::9", 443),
            ("beat", "203.0.113.9", 443),
            ("ns:observability", "web", 9100),
            ("ns:observability", "worker", 9100),
        ],
    )
    def test_lets_through_what_a_shop_needs(self, shop: Rendered, start: str, end: str, port: int) -> None:
        assert shop.lets_through(start, end, port)

    @pytest.mark.parametrize(
        ("start", "end", "port"),
        [
            ("ns:another", "web", 8000),
            ("ns:ingress-nginx", "web", 8000),
            ("203.0.113.9", "web", 8000),
            ("10.0.0.1", "web", 8000),
            ("203.0.113.9", "nginx", 8081),
            ("ns:observability", "nginx", 8081),
            ("nginx", "web", 9100),
            ("nginx", "worker", 9100),
            ("nginx", "postgres", 5432),
            ("nginx", "redis", 6379),
            ("nginx", "203.0.113.9", 443),
            ("nginx", "203.0.113.9", 8000),
            ("nginx", "ns:another", 8000),
            ("nginx", "169.254.169.254", 80),
            ("nginx", "nginx", 8081),
            ("web", "nginx", 8443),
            ("web", "nginx", 8081),
            ("worker", "nginx", 8443),
            ("worker-money", "nginx", 8081),
            ("ns:another", "postgres", 5432),
            ("ns:another", "worker", 8000),
            ("ns:another", "beat", 8000),
            ("ns:another", "migrate", 8000),
            ("redis", "postgres", 5432),
            ("rabbitmq", "redis", 6379),
            ("web", "rabbitmq", 5672),
            ("postgres", "203.0.113.9", 443),
            ("beat", "203.0.113.9", 587),
            ("ns:another", "web", 9100),
            ("ns:another", "worker", 9100),
            ("ns:observability", "web", 8000),
            ("ns:observability", "postgres", 5432),
            ("web", "203.0.113.9", 80),
            ("web", "worker", 8000),
            ("worker", "web", 8000),
        ],
    )
    def test_stops_the_rest(self, shop: Rendered, start: str, end: str, port: int) -> None:
        assert not shop.lets_through(start, end, port)

    @pytest.mark.parametrize(
        "address", ["169.254.169.254", "10.0.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1", "fd00::1"]
    )
    def test_s40_reaches_no_address_of_the_house(self, shop: Rendered, address: str) -> None:
        assert not shop.lets_through("web", address, 443)
        assert not shop.lets_through("worker", address, 443)
        assert not shop.lets_through("beat", address, 443)


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
