"""Pictures that clients put straight into the storage: a folder, S3, Cloudinary."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from PIL import Image

from accounts.tests.factories import client_of, make_user
from config.settings import storage
from core import media, uploads
from core.models import LooseFile
from core.tests.clouds import CLOUD, CLOUD_KEY, CLOUD_SECRET, KEY, REGION, S3, SECRET, cloudinary
from products.models import ProductImage
from products.tests.factories import make_product

pytestmark = pytest.mark.django_db
TYPE = "image/jpeg"


def jpeg(*, gps: bool = False) -> bytes:
    content, exif = io.BytesIO(), Image.Exif()
    if gps:
        exif[0x8825] = {1: "N", 2: (51.0, 30.0, 0.0)}
    Image.new("RGB", (60, 40), "teal").save(content, "JPEG", exif=exif)
    return content.getvalue()


@dataclass
class Place:
    """Where files lie, and how a client sends one there: what it answers."""

    send: Callable[[dict[str, Any], bytes], int]
    names: Callable[[], set[str]]
    go_away: Callable[[], None]
    come_back: Callable[[], None]
    is_size_signed: bool = True
    more: dict[str, Any] = field(default_factory=dict)


def settled(settings: Any, monkeypatch: pytest.MonkeyPatch, folder: Path, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setattr(storage, name, value)
    settings.STORAGES = settings.STORAGES | storage.storages(folder)


@pytest.fixture
def folder(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Place:
    settings.MEDIA_ROOT = tmp_path / "media"
    settled(settings, monkeypatch, tmp_path)

    def send(asked: dict[str, Any], content: bytes) -> int:
        path = asked["url"].removeprefix(settings.PUBLIC_URL)
        answer = Client().put(path, content, content_type=asked["headers"]["Content-Type"])
        return answer.status_code

    def names() -> set[str]:
        return {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}

    return Place(send, names, lambda: None, lambda: None)


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3]:
    server = S3()
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server: S3, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Place:
    settled(
        settings, monkeypatch, tmp_path, MEDIA_STORAGE="s3", S3_BUCKET="public", S3_PRIVATE_BUCKET="private",
        S3_PUBLIC_URL=f"{s3_server.url}/public", S3_ENDPOINT_URL=s3_server.url, S3_ACCESS_KEY_ID=KEY,
        S3_SECRET_ACCESS_KEY=SECRET, S3_REGION=REGION,
    )  # fmt: skip

    def send(asked: dict[str, Any], content: bytes) -> int:
        return s3_server.send_form(asked["url"], asked["fields"], content)

    def names() -> set[str]:
        return {f"{bucket}/{key}" for bucket in ("public", "private") for key in s3_server.keys(bucket)}

    return Place(send, names, s3_server.stop, s3_server.start)


@pytest.fixture
def cloud(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Place]:
    with cloudinary() as server:
        settled(
            settings, monkeypatch, tmp_path, MEDIA_STORAGE="cloudinary", CLOUDINARY_CLOUD=CLOUD,
            CLOUDINARY_API_KEY=CLOUD_KEY, CLOUDINARY_API_SECRET=CLOUD_SECRET,
        )  # fmt: skip
        for each in ("default", "private"):
            settings.STORAGES[each]["OPTIONS"] |= {"api_base": server.url, "delivery_base": server.url}

        def send(asked: dict[str, Any], content: bytes) -> int:
            return httpx.post(asked["url"], data=asked["fields"], files={"file": content}, timeout=60).status_code

        def stay_away(*, is_away: bool) -> None:
            server.is_away = is_away

        yield Place(
            send,
            lambda: {f"{kind}/{name}.{file[0]}" for (kind, name), file in server.kept.items()},
            lambda: stay_away(is_away=True),
            lambda: stay_away(is_away=False),
            is_size_signed=False,
        )


@pytest.fixture(params=["folder", "s3", "cloud"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def clerk() -> Any:
    return make_user(is_superuser=True, is_staff=True)


def ask(user: Any, size: int, content_type: str = TYPE) -> dict[str, Any]:
    answer = client_of(user).post("/api/v1/uploads", {"content_type": content_type, "size": size}, format="json")
    assert answer.status_code == 201, answer.content
    document: dict[str, Any] = answer.json()
    return document


def name_it(user: Any, *tickets: str, key: str = "", **more: Any) -> Any:
    product = make_product()
    headers = {"Idempotency-Key": key} if key else {}
    return client_of(user).post(
        f"/api/v1/products/{product.slug}/images", {"uploads": tickets, **more}, format="json", headers=headers
    )


class TestEachStorage:
    def test_takes_it_and_what_is_kept_is_what_we_encoded(self, place: Place, clerk: Any) -> None:
        content = jpeg(gps=True)
        asked = ask(clerk, len(content))

        status = place.send(asked, content)
        answer = name_it(clerk, asked["upload"], alts=["A lamp"])

        assert status in (200, 201, 204)
        assert answer.status_code == 201, answer.content
        kept = ProductImage.objects.get()
        assert answer.json()["images"][0]["url"] == default_storage.url(kept.file.name)
        assert kept.alt == "A lamp"
        assert any(name.endswith(kept.file.name) for name in place.names())
        with Image.open(io.BytesIO(_bytes_of(kept.file.name))) as shown:
            assert shown.size == (60, 40)
            assert not shown.getexif()

    def test_s36_takes_another_size_or_type_neither_there_nor_here(self, place: Place, clerk: Any) -> None:
        asked = ask(clerk, 500)
        before = place.names()

        status = place.send(asked, jpeg() + b"x" * 500)

        if place.is_size_signed:
            assert status in (403, 413)
            assert place.names() == before
            assert name_it(clerk, asked["upload"]).status_code == 422
        script = ask(clerk, 30)
        place.send(script, b"<script>alert(1)</script>")
        refusal = name_it(clerk, script["upload"])
        assert (refusal.status_code, refusal.json()["reason"]) == (422, "kind")
        assert not ProductImage.objects.exists()

    # A folder is away with the shop itself.
    @pytest.mark.parametrize("place", ["s3", "cloud"], indirect=True)
    def test_while_it_is_away_uploads_wait_and_the_shop_sells(self, place: Place, clerk: Any) -> None:
        content = jpeg()
        asked = ask(clerk, len(content))
        place.send(asked, content)
        product = make_product()

        place.go_away()
        try:
            refusal = name_it(clerk, asked["upload"], key="once")
            shown = Client().get(f"/api/v1/products/{product.slug}").status_code
            another = ask(clerk, 5)
            media.discard_files([f"products/{'0' * 32}.jpg"])
        finally:
            place.come_back()

        assert (refusal.status_code, refusal.headers["Retry-After"]) == (503, "30")
        assert shown == 200
        assert another["method"] == "POST"
        assert not ProductImage.objects.exists()
        assert name_it(clerk, asked["upload"], key="once-more").status_code == 201

    def test_what_nobody_names_is_swept_away(self, place: Place, clerk: Any) -> None:
        content = jpeg()
        asked = ask(clerk, len(content))
        place.send(asked, content)
        before = place.names()

        media.sweep_files(before=timezone.now() + timedelta(days=1))

        assert len(before - place.names()) == 1
        assert name_it(clerk, asked["upload"]).status_code == 422
        assert not LooseFile.objects.exists()


def _bytes_of(name: str) -> bytes:
    with default_storage.open(name) as file:
        return bytes(file.read())


class TestWho:
    def test_nobody_asks_without_a_sign_in(self, folder: Place) -> None:
        body = {"content_type": TYPE, "size": 5}

        assert client_of(None).post("/api/v1/uploads", body, format="json").status_code == 401

    def test_s01_a_ticket_is_good_for_who_asked_alone(self, folder: Place, clerk: Any) -> None:
        asked, other = ask(clerk, len(jpeg())), make_user(is_superuser=True, is_staff=True)
        folder.send(asked, jpeg())

        refusals = [
            name_it(other, asked["upload"]),
            name_it(clerk, asked["upload"][:-1] + "x"),
            name_it(clerk, "x" * 499),
        ]

        assert [refusal.status_code for refusal in refusals] == [422] * 3
        assert {refusal.json()["code"] for refusal in refusals} == {"core.upload_refused"}
        assert not ProductImage.objects.exists()

    def test_naming_it_needs_what_sending_it_there_needs(self, folder: Place) -> None:
        customer = make_user()
        asked = ask(customer, len(jpeg()))
        folder.send(asked, jpeg())

        assert name_it(customer, asked["upload"]).status_code == 403
        own = client_of(customer).put("/api/v1/me/profile/avatar", {"uploads": [asked["upload"]]}, format="json")
        assert own.status_code == 200
        assert own.json()["avatar"]

    def test_a_repeated_request_is_answered_as_the_first(self, folder: Place, clerk: Any) -> None:
        asked, product = ask(clerk, len(jpeg())), make_product()
        folder.send(asked, jpeg())

        first, again = (
            client_of(clerk).post(
                f"/api/v1/products/{product.slug}/images",
                {"uploads": [asked["upload"]]},
                format="json",
                headers={"Idempotency-Key": "k1"},
            )
            for _ in range(2)
        )

        assert (first.status_code, again.status_code) == (201, 201)
        assert again.content == first.content
        assert ProductImage.objects.count() == 1

    def test_s36_the_shops_own_storage_takes_one_file_of_the_signed_type(self, folder: Place, clerk: Any) -> None:
        asked = ask(clerk, len(jpeg()))
        as_text = {**asked, "headers": {"Content-Type": "text/html"}}
        forged = {**asked, "url": asked["url"] + "x"}

        statuses = [folder.send(each, jpeg()) for each in (as_text, forged, asked, asked)]

        assert statuses == [422, 422, 204, 422]

    def test_s36_so_many_wait_and_no_more(self, folder: Place, clerk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(uploads, "MOST_WAITING", 2)
        for _ in range(2):
            ask(clerk, 5)
        body = {"content_type": TYPE, "size": 5}

        refusal = client_of(clerk).post("/api/v1/uploads", body, format="json")

        assert (refusal.status_code, refusal.json()["code"]) == (409, "core.too_many_uploads")
        assert ask(make_user(), 5)

    @pytest.mark.parametrize(
        ("content_type", "size", "status"), [("text/html", 5, 400), (TYPE, 0, 400), (TYPE, 10**9, 413)]
    )
    def test_s36_what_is_no_picture_or_too_large_is_not_signed(
        self, folder: Place, clerk: Any, content_type: str, size: int, status: int
    ) -> None:
        body = {"content_type": content_type, "size": size}

        assert client_of(clerk).post("/api/v1/uploads", body, format="json").status_code == status
        assert not LooseFile.objects.exists()
