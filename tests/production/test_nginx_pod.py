"""What people reach in a cluster: Nginx as its pods run it, before web pods with the certificate of their Secret."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from config.certifying import certify
from core import errors
from proxy_conf import NGINX
from tests.production.before import LIST, PUBLIC, Asked, Reply, Shop, assert_problem
from tests.production.fleet import Answer, Fleet
from tests.production.manifests import BEHIND_AN_INGRESS, OVERLAYS, Rendered, render, write_secrets
from tests.production.pod import NginxPod, started
from tests.runtime.shop import free_port, temporary_folder, wait_for

LOGIN = "/api/v1/auth/login"
OTHER = "127.0.0.2"  # of another client
MAKE = Callable[..., NginxPod]


@pytest.fixture(scope="module")
def manifests(nginx: None, place: Path) -> Rendered:
    if not shutil.which("envsubst"):
        pytest.skip("envsubst is not installed")
    return render("production", place)


@pytest.fixture(scope="module")
def secrets(place: Path, manifests: Rendered) -> Path:
    return place / "k8s" / "overlays" / "local" / "secrets"


@pytest.fixture
def web(secrets: Path) -> Iterator[Shop]:
    """A web pod."""
    with temporary_folder() as folder:
        shown = folder / "web"
        shown.mkdir()
        shutil.copyfile(secrets / "tls-web" / "tls.crt", shown / "certificate.pem")
        shutil.copyfile(secrets / "tls-web" / "tls.key", shown / "key.pem")
        shop = Shop(folder)
        yield shop
        shop.close()


@pytest.fixture
def make(manifests: Rendered, secrets: Path, web: Shop) -> Iterator[MAKE]:
    """Start a pod before the web pod, or before others."""
    with ExitStack() as stack:

        def made(*webs: str, overlay: Rendered = manifests, **values: str) -> NginxPod:
            folder = stack.enter_context(temporary_folder())
            folder.chmod(0o755)
            pod = NginxPod(overlay, folder, secrets, list(webs) or [f"127.0.0.1:{web.port}"], **values)
            return stack.enter_context(started(pod))

        yield made


@pytest.fixture
def pod(make: MAKE) -> NginxPod:
    return make()


class TestConfiguration:
    def test_is_all_of_infra_nginx_and_the_image_of_compose(self, manifests: Rendered) -> None:
        volumes = {volume["name"]: volume for volume in manifests.pods["nginx"]["spec"]["volumes"]}
        templates, scripts = (
            manifests.one("ConfigMap", volumes[name]["configMap"]["name"])["data"] for name in ("templates", "scripts")
        )
        compose = (NGINX.parent / "docker" / "docker-compose.yml").read_text()

        assert templates == {file.name: file.read_text() for file in (NGINX / "templates").iterdir()}
        assert scripts == {name: (NGINX / name).read_text() for name in ("drain.sh", "renew.sh")}
        assert manifests.container("nginx")["image"] in compose

    @pytest.mark.parametrize("overlay", [*OVERLAYS, BEHIND_AN_INGRESS])
    def test_is_taken_by_nginx(self, manifests: Rendered, secrets: Path, place: Path, overlay: str) -> None:
        with temporary_folder() as folder:
            folder.chmod(0o755)
            pod = NginxPod(render(overlay, place), folder, secrets, ["127.0.0.1:1"])
            code, said = pod.begin("-t").wait(60), pod.output.read_text()

        assert code == 0, said
        assert "test is successful" in said


class TestRequests:
    def test_go_through_and_the_shop_is_told_who_asks(self, pod: NginxPod, web: Shop) -> None:
        spoofed = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "http", "X-Request-ID": "shopper-1234"}

        answer = pod.ask("/api/v1/cart", headers=spoofed, client=OTHER)

        told = web.last().headers
        assert answer.status == 200
        assert (told["X-Forwarded-For"], told["X-Forwarded-Proto"]) == (OTHER, "https")
        assert told["X-Request-ID"] == answer.headers["x-request-id"] == "shopper-1234"
        assert answer.headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
        assert web.sessions == [("TLSv1.3", False)]

    def test_of_programs_without_tls_are_refused_and_people_are_led(self, pod: NginxPod, web: Shop) -> None:
        program, person = pod.ask("/api/v1/cart", plain=True), pod.ask("/docs/", plain=True)

        assert (program.status, program.json["code"]) == (403, "core.forbidden")
        assert (person.status, person.headers["location"]) == (308, "https://127.0.0.1/docs/")
        assert web.asked == []

    def test_for_metrics_are_refused_and_none_is_told_how_nginx_is(self, pod: NginxPod, web: Shop) -> None:
        assert_problem(pod.ask("/metrics"), errors.NotFound)
        assert web.asked == []
        pod.ask("/alive")
        assert [asked.path for asked in web.asked] == ["/alive"], "the shop's business, not that of the probe's port"

    def test_of_one_address_are_limited_and_others_are_not(self, pod: NginxPod) -> None:
        def try_to_sign_in(_: int) -> Answer:
            return pod.ask(LOGIN, method="POST", body=b"{}")

        with ThreadPoolExecutor(max_workers=8) as crowd:
            answers = list(crowd.map(try_to_sign_in, range(100)))

        refused = [answer for answer in answers if answer.status != 200]
        assert len(refused) < 100
        assert_problem(refused[-1], errors.TooManyRequests)
        assert pod.ask(LOGIN, method="POST", body=b"{}", client=OTHER).status == 200

    @pytest.mark.parametrize("path", ["/api/v1/cart", LIST])
    def test_are_limited_as_the_overlay_says(self, make: MAKE, path: str) -> None:
        pod = make(NEXUS_RATE="1r/m", NEXUS_BURST="2")

        answers = [pod.ask(path) for _ in range(4)]

        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert pod.ask(path, client=OTHER).status == 200

    def test_with_files_pass_up_to_the_limit(self, pod: NginxPod, web: Shop) -> None:
        body = b"x" * (12 * 2**20 - 1)

        assert pod.ask("/api/v1/me/profile/avatar", method="POST", body=body).status == 200
        assert web.last().body == body
        assert pod.ask(f"{LIST}/lamp/images", method="POST", body=body + body).status == 200
        assert_problem(pod.ask("/api/v1/me/profile/avatar", method="POST", body=body + b"xx"), errors.TooLarge)
        assert len(web.asked) == 2

    def test_for_uploads_are_answered_from_the_volume(self, pod: NginxPod, web: Shop) -> None:
        (pod.place("/srv/media") / "lamp.webp").write_text("picture")

        answer = pod.ask("/media/lamp.webp")

        assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"picture", "image/webp")
        assert web.asked == []

    def test_find_another_web_pod_where_one_takes_none(self, make: MAKE, web: Shop) -> None:
        pod = make(f"127.0.0.1:{free_port()}", f"127.0.0.1:{web.port}")

        statuses = {pod.ask("/api/v1/cart", method="POST", body=b"{}").status for _ in range(6)}

        assert statuses == {200}

    @pytest.mark.parametrize("shown", ["another certificate", "nothing"])
    def test_are_not_trusted_to_a_stranger(self, make: MAKE, shown: str) -> None:
        with temporary_folder() as folder:
            certify(folder, names=["web"], at=datetime.now(UTC))
            stranger = Shop(folder if shown == "another certificate" else None)
            try:
                answer = make(f"127.0.0.1:{stranger.port}").ask("/api/v1/cart")
            finally:
                stranger.close()

        assert_problem(answer, errors.Unavailable)
        assert stranger.asked == []


class TestKeptReads:
    def test_are_never_older_than_the_shop_at_any_of_several_pods(self, make: MAKE, web: Shop) -> None:
        version = 1

        def answer(asked: Asked) -> Reply:
            tag = f'"v{version}"'
            headers = PUBLIC | {"ETag": tag}
            same = tag in asked.headers.get("If-None-Match", "")
            return Reply(304, headers) if same else Reply(200, headers, json.dumps(version).encode())

        web.answer = answer
        pods = make(), make()
        before = [pod.ask(LIST).json for pod in pods * 2]
        version = 2
        after = [pod.ask(LIST).json for pod in pods * 2]

        assert (before, after) == ([1] * 4, [2] * 4)
        for pod in pods:
            wait_for(partial(self.is_noted, pod))  # written once the client has its answer

    @staticmethod
    def is_noted(pod: NginxPod) -> bool:
        """Tell whether two of the reads were kept, and asked about."""
        return pod.output.read_text().count('"REVALIDATED"') == 2


class TestBehindABalancer:
    def test_believes_its_network_alone(self, make: MAKE, web: Shop) -> None:
        pod = make(NEXUS_BALANCER="127.0.0.2/32")
        said = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}

        by_balancer, by_another = (
            pod.ask("/api/v1/cart", headers=said, plain=True, client=one) for one in (OTHER, "127.0.0.1")
        )

        assert (by_balancer.status, by_another.status) == (200, 403)
        assert [asked.headers["X-Forwarded-For"] for asked in web.asked] == ["203.0.113.9"]

    def test_behind_an_ingress_shows_it_what_it_can_check_and_believes_it(
        self, make: MAKE, web: Shop, place: Path, secrets: Path
    ) -> None:
        pod = make(overlay=render(BEHIND_AN_INGRESS, place), NEXUS_BALANCER="127.0.0.2/32")
        pod.context = ssl.create_default_context(cafile=str(secrets / "tls-ca" / "ca.crt"))
        said = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}

        answer = pod.ask("/api/v1/cart", headers=said, client=OTHER)

        shown = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", pod.https)))
        assert answer.status == 200
        assert web.last().headers["X-Forwarded-For"] == "203.0.113.9"
        assert shown == ssl.PEM_cert_to_DER_cert((secrets / "tls-inside" / "tls.crt").read_text())

    def test_hears_of_the_client_by_the_proxy_protocol_and_takes_no_header_for_it(self, make: MAKE, web: Shop) -> None:
        pod = make(
            NEXUS_HTTP="8080 proxy_protocol", NEXUS_HTTPS="8443 proxy_protocol", NEXUS_CLIENT_FROM="proxy_protocol",
            NEXUS_BALANCER="127.0.0.1/32",
        )  # fmt: skip
        request = b"GET /api/v1/cart HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: %b\r\n"

        def ask(port: int, *, said: bytes, by_tls: bool) -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
                line.sendall(b"PROXY TCP4 203.0.113.9 203.0.113.10 4711 443\r\n")
                sending = pod.context.wrap_socket(line, server_hostname="localhost") if by_tls else line
                sending.sendall(request % said + b"Connection: close\r\n\r\n")
                return sending.recv(12)

        assert ask(pod.https, said=b"http", by_tls=True) == b"HTTP/1.1 200"
        assert ask(pod.http, said=b"https", by_tls=False) == b"HTTP/1.1 403"
        told = [(asked.headers["X-Forwarded-For"], asked.headers["X-Forwarded-Proto"]) for asked in web.asked]
        assert told == [("203.0.113.9", "https")]


class TestLife:
    def test_goes_on_without_the_shop(self, pod: NginxPod, web: Shop) -> None:
        web.close()

        assert pod.is_ready()
        assert_problem(pod.ask("/api/v1/cart"), errors.Unavailable)

    def test_ends_with_what_is_under_way(self, pod: NginxPod, web: Shop) -> None:
        asked, may_answer = threading.Event(), threading.Event()

        def answer(_: Asked) -> Reply:
            asked.set()
            may_answer.wait(60)
            return Reply()

        web.answer = answer
        *words, seconds = pod.container["lifecycle"]["preStop"]["exec"]["command"]
        assert int(seconds) > 0
        with ThreadPoolExecutor() as clients:
            under_way = clients.submit(pod.ask, "/api/v1/cart", method="POST", body=b"{}")
            asked.wait(60)
            here = [str(pod.place(word)) if word.startswith("/") else word for word in words]
            draining = subprocess.Popen([*here, "0"], env=pod.variables)
            wait_for(lambda: not pod.is_ready())  # it listens no more
            may_answer.set()
            answered = under_way.result().status

        assert pod.process is not None
        assert (answered, draining.wait(60), pod.process.wait(60)) == (200, 0, 0)

    def test_shows_a_certificate_that_was_renewed(self, pod: NginxPod) -> None:
        before = self.shown(pod)
        with temporary_folder() as others:
            write_secrets(others)
            words = ["sh", str(pod.root / "scripts" / "renew.sh")]
            looking = subprocess.Popen(
                words, env=pod.variables | {"LOOK_EVERY_SECONDS": "0.1"}, start_new_session=True, **pod.who
            )
            try:
                assert looking.wait(30) == 0, "Nginx is started after it"
                files = {file.name: file.read_bytes() for file in (others / "tls-nginx").iterdir()}
                pod.project(pod.place("/tls/nginx"), files, mode=0o440)
                renewed = ssl.PEM_cert_to_DER_cert(files["tls.crt"].decode())
                # For a moment those that show the one before still answer, too.
                wait_for(lambda: all(self.shown(pod) == renewed for _ in range(3)))
            finally:
                os.killpg(looking.pid, signal.SIGTERM)

        assert renewed != before

    @staticmethod
    def shown(pod: NginxPod) -> bytes:
        return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", pod.https)))


@pytest.mark.runtime
def test_shoppers_come_through_it_to_gunicorn_with_the_certificate_of_its_secret(
    fleet: Fleet, manifests: Rendered, secrets: Path
) -> None:
    shown = {"WEB_TLS_CERTIFICATE": "tls.crt", "WEB_TLS_KEY": "tls.key"}
    part = fleet.start(
        "web", "of-the-cluster", **{name: str(secrets / "tls-web" / file) for name, file in shown.items()}
    )
    with temporary_folder() as folder:
        folder.chmod(0o755)
        with started(NginxPod(manifests, folder, secrets, [f"127.0.0.1:{part.port}"])) as pod:
            wait_for(lambda: part.process.poll() is not None or pod.ask("/readyz").status == 200, 180)
            goods = pod.ask(LIST)
            cart = pod.ask("/api/v1/cart")
            metrics = pod.ask("/metrics")
    assert part.stop() == 0
    del fleet.parts["of-the-cluster"]

    assert (goods.status, cart.status, metrics.status) == (200, 200, 404)
    assert goods.json["results"]
