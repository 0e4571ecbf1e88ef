"""What Nginx keeps of public reads, for whom, and when it forgets it."""

from __future__ import annotations

import gzip
import http.client
import json
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from proxy_conf import NGINX
from tests.production.before import LIST, PUBLIC, Asked, Proxy, Reply
from tests.production.fleet import Answer
from tests.runtime.shop import temporary_folder, wait_for

PAGE = b'{"results": ["%b"]}' % (b"lamp " * 400)


class Goods:
    """A list with an ``ETag``, in as many versions as a test wants."""

    def __init__(self, proxy: Proxy, **headers: str) -> None:
        self.proxy, self.version, self.headers = proxy, 1, {**PUBLIC, **headers}
        proxy.shop.answer = self.answer

    def answer(self, asked: Asked) -> Reply:
        tag = f'"v{self.version}"'
        headers = self.headers | {"ETag": tag}
        if tag in asked.headers.get("If-None-Match", ""):
            return Reply(304, headers)
        mine = asked.headers.get("X-Market", "")
        body = {"version": self.version, "market": mine, "rest": "long enough to be compressed " * 30}
        return Reply(200, headers, json.dumps(body).encode())

    def read(self, **headers: str) -> Answer:
        return self.proxy.ask(LIST, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.fixture
def keeping(nginx: None) -> Iterator[Proxy]:
    """Nginx that answers for ten minutes without asking."""
    with temporary_folder() as folder:
        made = Proxy(folder, {"NEXUS_KEPT": "600"})
        try:
            yield made.start()
        finally:
            made.stop()


def forget(proxy: Proxy, *, method: str = "POST") -> int:
    """Tell it as a worker does, and return what it answers."""
    with closing(http.client.HTTPConnection("127.0.0.1", proxy.health, timeout=30)) as connection:
        connection.request(method, "/forget")
        return connection.getresponse().status


def kept(proxy: Proxy, answer: Answer) -> str:
    """Return what became of the cache when that was answered."""
    return str(proxy.noted(answer.headers["x-request-id"])["kept"])


class TestKeptReads:
    def test_are_asked_about_each_time_and_never_older_than_the_shop(self, proxy: Proxy) -> None:
        goods = Goods(proxy, Vary="X-Market, Authorization")
        first, again = goods.read(), goods.read()
        goods.version = 2
        changed, after = goods.read(), goods.read()

        assert [answer.json["version"] for answer in (first, again, changed, after)] == [1, 1, 2, 2]
        found = [kept(proxy, answer) for answer in (first, again, changed, after)]
        assert found == ["MISS", "REVALIDATED", "EXPIRED", "REVALIDATED"]
        assert len(proxy.shop.asked) == 4
        assert '"v1"' in proxy.shop.asked[1].headers["If-None-Match"]
        assert len({answer.headers["x-request-id"] for answer in (first, again, changed, after)}) == 4

    def test_answer_304_to_whoever_has_them(self, proxy: Proxy) -> None:
        goods = Goods(proxy, Vary="X-Market")
        tag = goods.read().headers["etag"]

        same = goods.read(If_None_Match=tag)
        goods.version = 2
        other = goods.read(If_None_Match=tag)

        assert (same.status, other.status) == (304, 200)

    def test_are_apart_by_what_they_vary_by(self, proxy: Proxy) -> None:
        goods = Goods(proxy, Vary="X-Market, Authorization")
        for _ in range(2):
            for market in ("uk", "de"):
                packed = goods.read(X_Market=market, Accept_Encoding="gzip")
                assert json.loads(gzip.decompress(packed.body))["market"] == market
                assert goods.read(X_Market=market).json["market"] == market

    def test_are_not_for_those_who_sign_in(self, proxy: Proxy) -> None:
        goods = Goods(proxy)
        goods.read()

        signed_in = goods.read(Authorization="Bearer x")

        assert kept(proxy, signed_in) == "BYPASS"
        assert "If-None-Match" not in proxy.shop.last().headers
        goods.version = 2
        goods.read(Authorization="Bearer x")
        assert goods.read().json["version"] == 2
        assert "v1" in proxy.shop.last().headers["If-None-Match"]

    @pytest.mark.parametrize(
        "headers",
        [
            {"Cache-Control": "private, max-age=0"}, {"Cache-Control": "no-store"}, {"Cache-Control": ""},
            {"Set-Cookie": "a=b"}, {"Vary": "*"},
        ],
    )  # fmt: skip
    def test_are_none_of_what_nobody_may_keep(self, proxy: Proxy, headers: dict[str, str]) -> None:
        goods = Goods(proxy, **headers)

        goods.read()

        assert kept(proxy, goods.read()) == "MISS"

    @pytest.mark.parametrize("status", [301, 404, 410, 500, 503])
    def test_are_no_refusals(self, proxy: Proxy, status: int) -> None:
        proxy.shop.answer = lambda _: Reply(status, PUBLIC | {"Location": "/x"})
        proxy.ask(LIST)
        proxy.shop.answer = lambda _: Reply(200, PUBLIC)

        assert proxy.ask(LIST).status == 200

    def test_are_compressed_once_for_each_version(self, proxy: Proxy) -> None:
        proxy.shop.answer = lambda asked: (
            Reply(304, PUBLIC | {"ETag": '"v1"'}) if "If-None-Match" in asked.headers
            else Reply(200, PUBLIC | {"ETag": '"v1"'}, PAGE)
        )  # fmt: skip

        first, again = (proxy.ask(LIST, headers={"Accept-Encoding": "gzip"}) for _ in range(2))
        plain = proxy.ask(LIST)

        assert first.headers["content-encoding"] == again.headers["content-encoding"] == "gzip"
        assert gzip.decompress(again.body) == plain.body == PAGE
        assert kept(proxy, again) == "REVALIDATED"
        assert "Accept-Encoding" in first.headers["vary"]
        assert "content-encoding" not in plain.headers

    def test_are_forgotten_when_they_are_purged(self, proxy: Proxy) -> None:
        goods = Goods(proxy)
        goods.read()

        subprocess.run(["sh", str(NGINX / "purge.sh"), str(proxy.folder)], check=True)

        assert kept(proxy, goods.read()) == "MISS"
        assert kept(proxy, goods.read()) == "REVALIDATED"

    def test_are_answered_without_the_shop_for_as_long_as_one_says_until_it_is_told(self, keeping: Proxy) -> None:
        goods = Goods(keeping, Vary="X-Market")
        first, again = goods.read(), goods.read()
        goods.version = 2
        old = goods.read()
        told = forget(keeping)
        new, kept_anew = goods.read(), goods.read(X_Market="de")

        assert told == 204
        assert [answer.json["version"] for answer in (first, again, old, new, kept_anew)] == [1, 1, 1, 2, 2]
        assert [kept(keeping, answer) for answer in (first, again, old, new)] == ["MISS", "HIT", "HIT", "MISS"]
        assert kept(keeping, goods.read()) == "HIT"

    def test_that_were_asked_for_before_a_change_are_not_found_after_it(self, keeping: Proxy) -> None:
        goods, asked, may_answer = Goods(keeping), threading.Event(), threading.Event()

        def slowly(one: Asked) -> Reply:
            reply = goods.answer(one)
            asked.set()
            may_answer.wait(30)
            return reply

        keeping.shop.answer = slowly
        with ThreadPoolExecutor() as clients:
            under_way = clients.submit(goods.read)
            asked.wait(30)
            goods.version = 2
            forget(keeping)
            may_answer.set()
            before = under_way.result().json["version"]

        assert (before, goods.read().json["version"]) == (1, 2)

    def test_are_forgotten_by_all_workers_and_after_a_new_start(self, nginx: None) -> None:
        with temporary_folder() as folder:
            proxy = Proxy(folder, {"NEXUS_KEPT": "600", "NEXUS_WORKERS": "4"}).start()
            try:
                goods = Goods(proxy)
                before = {goods.read().json["version"] for _ in range(12)}
                goods.version = 2
                forget(proxy)
                after = {goods.read().json["version"] for _ in range(12)}
                assert proxy.process is not None
                proxy.process.terminate()
                proxy.process.wait(30)
                goods.version = 3
                proxy.start()
                old = goods.read().json["version"]
                forget(proxy)
                told = goods.read().json["version"]
            finally:
                proxy.stop()

        assert (before, after, old, told) == ({1}, {2}, 2, 3)

    def test_are_gone_by_themselves_where_nobody_tells(self, nginx: None) -> None:
        with temporary_folder() as folder:
            proxy = Proxy(folder, {"NEXUS_KEPT": "1"}).start()
            try:
                goods = Goods(proxy)
                goods.read()
                goods.version = 2
                wait_for(lambda: goods.read().json["version"] == 2, 10)
            finally:
                proxy.stop()

    def test_keep_files_of_the_pages_that_have_names_of_their_own(self, keeping: Proxy) -> None:
        goods = Goods(keeping)
        keeping.ask("/static/app.1234.js")
        forget(keeping)

        assert kept(keeping, keeping.ask("/static/app.1234.js")) == "HIT"
        assert goods.version == 1

    def test_are_forgotten_at_nobodys_word_from_outside(self, keeping: Proxy) -> None:
        goods = Goods(keeping)
        goods.read()

        for path in ("/forget", "/.edition"):
            for method in ("GET", "POST"):
                keeping.ask(path, method=method)
        looked = forget(keeping, method="GET")

        assert looked == 403
        assert keeping.ask("/.edition").status == 404
        assert kept(keeping, goods.read()) == "HIT"

    def test_are_forgotten_at_the_word_of_those_inside_alone(self, nginx: None) -> None:
        with temporary_folder() as folder:
            proxy = Proxy(folder, {"NEXUS_KEPT": "600", "NEXUS_INSIDE": "allow 10.0.0.0/8;"}).start()
            try:
                told = forget(proxy)
            finally:
                proxy.stop()

        assert told == 403

    def test_are_changed_by_nobody(self, proxy: Proxy) -> None:
        proxy.shop.answer = lambda asked: Reply(201, {}, asked.body)

        answer = proxy.ask(LIST, method="POST", body=b'{"name": "Lamp"}', headers={"Content-Type": "application/json"})

        assert (answer.status, json.loads(answer.body)) == (201, {"name": "Lamp"})
        assert len(proxy.shop.asked) == 1
