"""What a newcomer does with ``make run``, and what can go wrong at the terminal."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import psutil
import pytest

from tests.runtime.shop import Shop, copy_of, temporary_folder, wait_for

pytestmark = pytest.mark.runtime

SECRETS = {"secrets.json": 0o600, "sign-ins.json": 0o600, "run": 0o700, "postgres": 0o700}
RUN = (sys.executable, "src/manage.py", "run")


@dataclass
class FirstRun:
    """What was seen of a shop that was started once and stopped by SIGTERM to the top process alone."""

    shop: Shop
    answered: bool
    exit_code: int
    left: list[psutil.Process]


@pytest.fixture(scope="module")
def first() -> Iterator[FirstRun]:
    """The first start of a shop, with ``make run``, and its end."""
    with temporary_folder() as folder:
        shop = Shop(folder / "first")
        try:
            answered = shop.start().answers()
            yield FirstRun(shop, answered=answered, exit_code=shop.stop(), left=shop.processes())
        finally:
            shop.end()


@pytest.fixture
def another(first: FirstRun) -> Iterator[Callable[..., Shop]]:
    """Makes shops from copies of the first one's folder, and clears them away."""
    made: list[Shop] = []
    with temporary_folder() as folder:

        def make(name: str = "data", **options: object) -> Shop:
            shop = Shop(copy_of(first.shop.data, folder / name), command=RUN, **options)  # type: ignore[arg-type]
            made.append(shop)
            return shop

        yield make
        for shop in made:
            shop.end()


class TestFirstStart:
    def test_serves_and_says_where_and_for_whom(self, first: FirstRun) -> None:
        said = first.shop.said()

        assert first.answered
        for words in (f"http://127.0.0.1:{first.shop.port}/api/v1/", "/docs/", "/admin/", "/dev/mail/"):
            assert words in said
        sign_ins = json.loads((first.shop.data / "sign-ins.json").read_text())
        assert set(sign_ins) == {"admin", "customer"}
        for person in sign_ins.values():
            assert person["email"] in said
            assert person["password"] in said

    def test_sigterm_to_make_alone_ends_everything(self, first: FirstRun) -> None:
        assert first.exit_code in {0, -signal.SIGTERM}
        assert first.left == []

    def test_keys_and_sign_ins_are_for_the_owner_alone(self, first: FirstRun) -> None:
        modes = {name: (first.shop.data / name).stat().st_mode & 0o777 for name in SECRETS}

        assert modes == SECRETS


class TestSecondStart:
    def test_keeps_the_data(self, another: Callable[..., Shop]) -> None:
        shop = another().start()
        shop.sql("CREATE TABLE kept (word text)")
        shop.sql("INSERT INTO kept VALUES ('still here')")
        shop.stop()

        shop.start()

        assert shop.sql("SELECT word FROM kept") == "still here"
        assert "Applying" not in shop.said()

    def test_manage_works_without_a_running_shop_and_leaves_nothing_running(self, another: Callable[..., Shop]) -> None:
        shop = another()

        assert shop.sql_through_manage("SELECT 6 * 7") == "42"
        assert shop.processes() == []

    def test_manage_works_beside_a_running_shop_and_leaves_it_running(self, another: Callable[..., Shop]) -> None:
        shop = another().start()

        assert shop.sql_through_manage("SELECT 6 * 7") == "42"
        assert shop.answers()

    def test_ctrl_c_ends_everything(self, another: Callable[..., Shop]) -> None:
        shop = another().start()

        assert shop.process is not None
        os.killpg(shop.process.pid, signal.SIGINT)

        assert shop.process.wait(60) == 0
        assert shop.processes() == []
        assert "Traceback" not in shop.said()

    def test_gunicorn_is_the_other_server(self, another: Callable[..., Shop]) -> None:
        shop = another(environment={"WEB_SERVER": "gunicorn"}).start()

        assert shop.answers()
        assert shop.stop() == 0
        assert shop.processes() == []

    def test_serves_static_files_without_collecting_them(self, another: Callable[..., Shop]) -> None:
        shop = another().start()

        assert shop.status("/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css") == 200

    def test_works_in_a_folder_too_deep_for_sockets(self, another: Callable[..., Shop]) -> None:
        shop = another("deep-" + "x" * 120).start()

        assert shop.answers()
        assert shop.sql("SELECT 1") == 1
        assert shop.stop() == 0
        assert shop.processes() == []


def test_two_shops_run_side_by_side(another: Callable[..., Shop]) -> None:
    one, two = another("one").start(), another("two").start()

    one.sql("CREATE TABLE mine (id int)")

    assert one.answers()
    assert two.answers()
    assert two.sql("SELECT count(*) FROM pg_tables WHERE tablename = 'mine'") == 0
    one.stop()
    assert two.answers()


class TestRefusals:
    def assert_one_line(self, shop: Shop, *words: str) -> None:
        line = shop.refused()

        assert line.startswith("nexus: "), line
        assert "\n" not in line
        for word in words:
            assert word in line
        assert shop.processes() == []

    def test_a_taken_port(self, another: Callable[..., Shop]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]

            self.assert_one_line(another(port=port), str(port), "PORT")

    def test_a_port_that_is_none(self, another: Callable[..., Shop]) -> None:
        self.assert_one_line(another(environment={"PORT": "eighty"}), "PORT", "eighty")

    def test_tls_that_nobody_here_would_ask_by(self, another: Callable[..., Shop]) -> None:
        named = {"WEB_TLS_CERTIFICATE": "/tls/tls.crt", "WEB_TLS_KEY": "/tls/tls.key"}

        self.assert_one_line(another(environment=named), "WEB_TLS_CERTIFICATE")

    def test_a_data_folder_of_a_newer_nexus(self, another: Callable[..., Shop]) -> None:
        shop = another()
        (shop.data / "version").write_text("999.0.0\n")

        self.assert_one_line(shop, "999.0.0", "newer")

    def test_a_database_that_a_newer_nexus_migrated(self, another: Callable[..., Shop]) -> None:
        shop = another()
        shop.sql_through_manage(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('core', '9999_from_afar', now()) RETURNING 1"
        )

        self.assert_one_line(shop, "9999_from_afar", "newer")

    def test_a_data_folder_in_use(self, another: Callable[..., Shop]) -> None:
        shop = another().start()
        second = Shop(shop.data)

        line = second.refused()

        assert line.startswith("nexus: ")
        assert "in use" in line
        assert "\n" not in line
        assert shop.answers()

    def test_a_data_folder_that_cannot_be(self, another: Callable[..., Shop]) -> None:
        shop = another()
        nowhere = Shop(shop.data / "version" / "below-a-file")

        line = nowhere.refused()

        assert line.startswith("nexus: ")
        assert "\n" not in line

    @pytest.mark.parametrize(
        "url",
        [
            "postgres://nobody:wrong@127.0.0.1:9/shop",
            "postgres://u@/shop?host=/no/such/folder",
            "not a url",
            "mysql://u:p@127.0.0.1/shop",
        ],
    )
    def test_a_database_that_is_not_there(self, another: Callable[..., Shop], url: str) -> None:
        self.assert_one_line(another(environment={"DATABASE_URL": url}), "DATABASE_URL")

    def test_a_server_that_does_not_exist(self, another: Callable[..., Shop]) -> None:
        self.assert_one_line(another(environment={"WEB_SERVER": "iis"}), "WEB_SERVER", "granian", "gunicorn")


class TestSurviving:
    def test_a_killed_worker_is_replaced_every_time(self, another: Callable[..., Shop]) -> None:
        shop = another().start()

        for _ in range(5):
            worker = shop.process_named("nexus worker")
            worker.kill()
            wait_for(partial(replaced, shop, "nexus worker", worker.pid))

        assert shop.answers()

    def test_a_killed_web_server_is_replaced(self, another: Callable[..., Shop]) -> None:
        shop = another().start()

        killed = [process.pid for process in shop.named("nexus web")]
        shop.process_named("nexus web").kill()

        wait_for(lambda: not {process.pid for process in shop.named("nexus web")} & set(killed))
        wait_for(shop.answers)
        assert shop.stop() == 0
        assert shop.processes() == []

    def test_killed_servers_are_started_again(self, another: Callable[..., Shop]) -> None:
        shop = another().start()

        for words in ("postgres -D", "redis-server"):
            killed = shop.process_named(words)
            killed.kill()
            wait_for(partial(replaced, shop, words, killed.pid))

        wait_for(lambda: shop.status("/readyz") == 200)

    def test_a_killed_supervisor_takes_its_children_along_and_its_servers_are_adopted(
        self, another: Callable[..., Shop]
    ) -> None:
        shop = another().start()
        assert shop.process is not None
        shop.process.kill()
        shop.process.wait()

        shop.start()

        assert shop.answers()
        assert shop.stop() == 0
        assert shop.processes() == []


def replaced(shop: Shop, words: str, pid: int) -> bool:
    """Is there another such process by now?"""
    found = shop.named(words)
    return bool(found) and pid not in {process.pid for process in found}
