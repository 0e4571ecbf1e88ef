"""Pods may do what they must and no more, are asked how they are, and are replaced one after the other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.conf import settings

from config.queues import MONEY
from config.settings import processes
from core import health
from tests.production.manifests import (
    APP,
    COMPONENT,
    SERVERS,
    WORKLOADS,
    Rendered,
    certificate_of,
)


def private_folder() -> Path:
    return Path(settings.STORAGES["private"]["OPTIONS"]["location"])


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
