"""Where the roles of a shop show their metrics, and what they forget of the life before."""

from __future__ import annotations

import http.client
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from config.seeing import folder
from tests.runtime.shop import ROOT, free_port, wait_for

pytestmark = pytest.mark.runtime

TOKEN = "a-token-of-this-shop"
SECONDS = 120.0


class Web:
    """Web processes by their role, without any server beside them."""

    def __init__(self, data: Path) -> None:
        self.port, self.metrics_port, self.folder = free_port(), free_port(), data / "metrics"
        self.folder.mkdir()
        (self.folder / "counter_1.db").write_bytes(b"of the life before")
        environment = {
            "NEXUS_DATA": str(data), "PORT": str(self.port), "WEB_SERVER": "gunicorn", "METRICS_TOKEN": TOKEN,
            "METRICS_PORT": str(self.metrics_port), "METRICS_FOLDER": str(self.folder), "TMPDIR": str(data),
            "DJANGO_SETTINGS_MODULE": "config.settings.local",
        }  # fmt: skip
        self.output = (data / "said").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "src/manage.py", "web"],
            cwd=ROOT, env=os.environ | environment, stdout=self.output, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def ask(self, token: str, *, port: int = 0) -> tuple[int, str]:
        """Ask as Prometheus asks a pod: by an address that is no host of the shop."""
        client = http.client.HTTPConnection("127.0.0.1", port or self.metrics_port, timeout=90)
        try:
            client.request("GET", "/metrics", headers={"Host": "10.2.3.4:9100", "Authorization": f"Bearer {token}"})
            answer = client.getresponse()
            return answer.status, answer.read().decode()
        except ConnectionError:
            return 0, ""
        finally:
            client.close()

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=SECONDS)
        self.output.close()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    web = Web(tmp_path_factory.mktemp("web"))
    try:
        wait_for(lambda: web.ask(TOKEN)[0] == 200, SECONDS)
        yield web
    finally:
        web.end()


class TestWebProcesses:
    def test_show_them_on_a_port_of_their_own_to_the_bearer_alone(self, web: Web) -> None:
        status, body = web.ask(TOKEN)

        assert status == 200
        assert "nexus_orders_total" in body
        assert web.ask("another") == (404, "")

    def test_have_forgotten_what_was_counted_before(self, web: Web) -> None:
        assert not (web.folder / "counter_1.db").exists()
        assert list(web.folder.glob("counter_*.db"))


def _count_on(place: Path, begun: object, ended: object) -> None:
    folder.start_afresh()
    (place / "counter_7.db").touch()
    begun.set()  # type: ignore[attr-defined]
    ended.wait()  # type: ignore[attr-defined]


class TestStartAfresh:
    def test_leaves_what_others_count_until_they_have_ended(self, tmp_path: Path, settings: Settings) -> None:
        settings.METRICS_FOLDER = tmp_path
        fork = multiprocessing.get_context("fork")
        begun, ended = fork.Event(), fork.Event()
        other = fork.Process(target=_count_on, args=(tmp_path, begun, ended))
        other.start()
        begun.wait()

        os.close(folder.start_afresh())
        meanwhile = [file.name for file in tmp_path.glob("*.db")]
        ended.set()
        other.join()
        os.close(folder.start_afresh())

        assert meanwhile == ["counter_7.db"]
        assert list(tmp_path.glob("*.db")) == []
