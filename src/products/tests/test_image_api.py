from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.tests.factories import make_user
from core.ids import new_id
from products.models import Product, ProductImage
from products.tests.factories import make_product
from products.tests.pictures import huge_png, huge_webp, picture_bytes, upload

RIGHTS = ("products.add_productimage", "products.change_productimage", "products.delete_productimage")


@pytest.fixture
def nobody() -> APIClient:
    return APIClient()


@pytest.fixture
def customer() -> APIClient:
    client = APIClient()
    client.force_authenticate(make_user())
    return client


@pytest.fixture
def staff() -> APIClient:
    client = APIClient()
    client.force_authenticate(make_user(permissions=RIGHTS))
    return client


@pytest.fixture
def product() -> Product:
    return make_product()


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def images_of(product: Product) -> str:
    return f"/api/v1/products/{product.pk}/images"


def send(client: APIClient, product: Product, *files: Any, **fields: Any) -> Any:
    headers = fields.pop("headers", {})
    return client.post(images_of(product), {"images": list(files), **fields}, format="multipart", headers=headers)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def assert_nothing_happened(media: Path) -> None:
    assert files_in(media) == []
    assert not ProductImage.objects.exists()


@pytest.mark.django_db
class TestAddImages:
    def test_adds_several(self, staff: APIClient, product: Product, media: Path) -> None:
        files = [upload(), upload(picture_bytes("PNG")), upload(picture_bytes("WEBP"))]

        answer = send(staff, product, *files, alts=["Front", "Back"])

        assert answer.status_code == 201
        shown = answer.json()["images"]
        assert [(each["alt"], each["position"], each["width"], each["height"]) for each in shown] == [
            ("Front", 0, 60, 40),
            ("Back", 1, 60, 40),
            ("", 2, 60, 40),
        ]
        assert [each["url"].rpartition(".")[2] for each in shown] == ["jpg", "png", "webp"]
        assert len(files_in(media)) == 3

    def test_refuses_nobody_and_customers(
        self, nobody: APIClient, customer: APIClient, product: Product, media: Path
    ) -> None:
        assert send(nobody, product, upload()).status_code == 401
        assert send(customer, product, upload()).status_code == 403
        assert_nothing_happened(media)

    def test_keeps_all_or_none(self, staff: APIClient, product: Product, media: Path) -> None:
        answer = send(staff, product, upload(), upload(b"not a picture"))

        assert answer.status_code == 422
        assert (answer.json()["code"], answer.json()["file"]) == ("products.not_an_image", 1)
        assert_nothing_happened(media)

    def test_removes_the_files_of_a_refused_command(self, staff: APIClient, product: Product, media: Path) -> None:
        unknown = staff.post(f"/api/v1/products/{new_id()}/images", {"images": [upload()]}, format="multipart")
        first = send(staff, product, *[upload() for _ in range(20)])
        too_many = send(staff, product, upload())

        assert (unknown.status_code, first.status_code, too_many.status_code) == (404, 201, 409)
        assert too_many.json()["code"] == "products.too_many_images"
        assert len(files_in(media)) == 20

    def test_replays_the_same_key_and_stores_nothing_more(
        self, staff: APIClient, product: Product, media: Path
    ) -> None:
        content = picture_bytes()
        first, second = (send(staff, product, upload(content), headers={"Idempotency-Key": "k1"}) for _ in range(2))

        assert (first.status_code, first.content) == (201, second.content)
        assert second["Idempotent-Replayed"] == "true"
        assert ProductImage.objects.count() == len(files_in(media)) == 1

    @pytest.mark.parametrize("fields", [{"images": "text"}, {"images": []}, {"pictures": "x"}, {}])
    def test_refuses_forms_without_files(
        self, staff: APIClient, product: Product, media: Path, fields: dict[str, Any]
    ) -> None:
        answer = staff.post(images_of(product), fields, format="multipart")

        assert answer.status_code == 400
        assert_nothing_happened(media)

    def test_refuses_json_and_broken_forms(self, staff: APIClient, product: Product, media: Path) -> None:
        as_json = staff.post(images_of(product), {"images": []}, format="json")
        broken = staff.post(images_of(product), b"--x\r\nrubbish", content_type="multipart/form-data; boundary=x")
        nameless = staff.post(images_of(product), b"rubbish", content_type="multipart/form-data")

        assert (as_json.status_code, broken.status_code, nameless.status_code) == (400, 400, 400)
        assert_nothing_happened(media)

    def test_refuses_more_files_than_a_product_may_have(self, staff: APIClient, product: Product, media: Path) -> None:
        assert send(staff, product, *[upload() for _ in range(21)]).status_code == 413
        assert_nothing_happened(media)


@pytest.mark.django_db
class TestHostileUploads:
    @pytest.mark.parametrize(
        "content",
        [
            b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
            b"GIF89a<?php system($_GET['c']); ?>",
            b"%PDF-1.7\n",
            b"PK\x03\x04" + b"\0" * 1000,
            b"<html><script>alert(1)</script>",
            huge_png(),
            huge_webp(),
            picture_bytes()[:200],
        ],
        ids=["svg", "gif", "pdf", "zip", "html", "png flood", "webp flood", "torn"],
    )
    def test_s36_refuses_what_is_no_picture(
        self, staff: APIClient, product: Product, media: Path, content: bytes
    ) -> None:
        answer = send(staff, product, upload(content, "photo.jpg"))

        assert (answer.status_code, answer.json()["code"]) == (422, "products.not_an_image")
        assert_nothing_happened(media)

    def test_s36_refuses_too_many_bytes(
        self, staff: APIClient, product: Product, media: Path, settings: Settings
    ) -> None:
        settings.UPLOAD_MAX_BYTES = 50_000

        answer = send(staff, product, upload(picture_bytes() + b"\0" * 100_000))

        assert answer.status_code == 413
        assert_nothing_happened(media)

    def test_s36_refuses_a_form_that_is_too_long_before_it_reads_it(
        self, staff: APIClient, product: Product, media: Path
    ) -> None:
        answer = staff.generic(
            "POST", images_of(product), "", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH="999999999"
        )

        assert answer.status_code == 413
        assert_nothing_happened(media)

    @pytest.mark.parametrize("name", ["../../../etc/passwd.jpg", "shell.php", "a\0b.jpg", ".htaccess", "x" * 5000])
    def test_s36_a08_takes_no_name_from_the_upload(
        self, staff: APIClient, product: Product, media: Path, name: str
    ) -> None:
        answer = send(staff, product, upload(name="x.jpg"))
        hostile = send(staff, product, upload(picture_bytes(), name))

        assert answer.status_code == 201
        assert hostile.status_code in (201, 400)
        assert {path.parent for path in files_in(media)} == {media / "products"}
        assert {path.suffix for path in files_in(media)} == {".jpg"}

    def test_a_saleor_cve_2026_23499_stores_nothing_of_the_bytes_that_were_sent(
        self, staff: APIClient, product: Product, media: Path
    ) -> None:
        script = b"<script>alert(document.domain)</script>"

        answer = send(staff, product, upload(picture_bytes("PNG") + script, "page.html"))

        assert answer.status_code == 201
        (stored,) = files_in(media)
        assert stored.suffix == ".png"
        assert script not in stored.read_bytes()

    def test_a_polyshell_takes_no_upload_from_strangers(
        self, nobody: APIClient, product: Product, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(TemporaryFileUploadHandler, "new_file", lambda *_, **__: pytest.fail("kept"))

        answer = send(nobody, product, upload(picture_bytes() + b"<?php ?>" * 400_000, "shell.php"))

        assert answer.status_code == 401
        assert_nothing_happened(media)


@pytest.mark.django_db
class TestFullDisk:
    def test_stores_nothing_where_the_media_disk_is_full(
        self, staff: APIClient, product: Product, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save = FileSystemStorage._save  # type: ignore[attr-defined]
        calls: list[str] = []

        def full(self: FileSystemStorage, name: str, content: Any) -> str:
            calls.append(name)
            saved = save(self, name, content)
            if len(calls) == 2:
                raise OSError(errno.ENOSPC, "No space left on device")
            return str(saved)

        monkeypatch.setattr(FileSystemStorage, "_save", full)

        answer = send(staff, product, upload(), upload(), headers={"Idempotency-Key": "k1"})
        again = send(staff, product, upload(), upload(), headers={"Idempotency-Key": "k1"})

        assert (answer.status_code, answer["Retry-After"]) == (503, "60")
        assert again.status_code == 201
        assert len(files_in(media)) == ProductImage.objects.count() == 2

    def test_says_so_where_the_temporary_disk_is_full(
        self, staff: APIClient, product: Product, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", full)

        answer = send(staff, product, upload(picture_bytes() + b"\0" * 3_000_000))

        assert answer.status_code == 503
        assert_nothing_happened(media)


@pytest.mark.django_db
class TestChangeImages:
    def test_puts_a_picture_first_and_names_it(self, staff: APIClient, product: Product) -> None:
        _, second = send(staff, product, upload(), upload()).json()["images"]

        answer = staff.patch(f"{images_of(product)}/{second['id']}", {"position": 0, "alt": "Side"}, format="json")

        assert answer.status_code == 200
        assert (answer.json()["position"], answer.json()["alt"]) == (0, "Side")
        first = ProductImage.objects.get(position=0)
        assert str(first.pk) == second["id"]

    @pytest.mark.parametrize(
        "body", [{"position": -1}, {"position": "1"}, {"alt": 5}, {"alt": "x" * 301}, {"url": "x"}]
    )
    def test_refuses_bad_bodies(self, staff: APIClient, product: Product, body: dict[str, Any]) -> None:
        (image,) = send(staff, product, upload()).json()["images"]

        assert staff.patch(f"{images_of(product)}/{image['id']}", body, format="json").status_code == 400

    def test_removes_one(self, staff: APIClient, product: Product) -> None:
        (image,) = send(staff, product, upload()).json()["images"]

        assert staff.delete(f"{images_of(product)}/{image['id']}").status_code == 204
        assert staff.delete(f"{images_of(product)}/{image['id']}").status_code == 404
        assert not ProductImage.objects.exists()

    def test_does_not_reach_pictures_of_other_products(self, staff: APIClient, product: Product) -> None:
        (image,) = send(staff, make_product(), upload()).json()["images"]

        assert staff.delete(f"{images_of(product)}/{image['id']}").status_code == 404
        assert ProductImage.objects.count() == 1

    def test_refuses_nobody_and_customers(
        self, nobody: APIClient, customer: APIClient, staff: APIClient, product: Product
    ) -> None:
        (image,) = send(staff, product, upload()).json()["images"]
        address = f"{images_of(product)}/{image['id']}"

        for client, status in ((nobody, 401), (customer, 403)):
            assert client.patch(address, {"alt": "x"}, format="json").status_code == status
            assert client.delete(address).status_code == status
        assert default_storage.exists(str(ProductImage.objects.get().file.name))
