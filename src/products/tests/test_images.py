"""Pictures of products: services and the handler."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.files.storage import default_storage
from django.db import connections, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from core import outbox
from core.images import StoredImage, clean_image
from core.media import store_images
from core.models import Delivery, LooseFile, OutboxEvent
from core.transactions import NoTransaction
from products import handlers, services
from products.errors import ImageNotFound, ProductNotFound, TooManyImages
from products.models import Product, ProductDocument, ProductImage
from products.tests.factories import make_product
from products.tests.pictures import picture_bytes

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 7, 1, 13, tzinfo=UTC)


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def stored(*, count: int = 1, size: tuple[int, int] = (1200, 600)) -> list[StoredImage]:
    pictures = [clean_image(BytesIO(picture_bytes(size=size))) for _ in range(count)]
    return store_images(pictures, folder="products")


def imagined(count: int) -> list[StoredImage]:
    return [StoredImage(f"products/{number}.jpg", 10, 10) for number in range(count)]


def add(product: Product, pictures: list[StoredImage], **fields: Any) -> list[ProductImage]:
    return services.add_images(product=str(product.pk), pictures=pictures, at=NOON, **fields)


def shown_images(product: Product) -> list[dict[str, Any]]:
    images: list[dict[str, Any]] = orjson.loads(ProductDocument.objects.get(product=product).document)["images"]
    return images


@pytest.mark.django_db
class TestAddImages:
    def test_appends_them_in_order_with_their_texts(self) -> None:
        product = make_product()
        add(product, imagined(1))

        added = services.add_images(product=product.slug, pictures=imagined(2), alts=["One"], at=NOON)

        assert [(image.position, image.alt) for image in added] == [(1, "One"), (2, "")]
        assert len(shown_images(product)) == 3

    def test_owes_thumbnails_for_each(self) -> None:
        product = make_product()

        added = add(product, imagined(2))

        owed = Delivery.objects.filter(handler="products.handlers.make_thumbnails")
        assert {each.event.payload["image_id"] for each in owed} == {str(image.pk) for image in added}

    def test_keeps_their_files(self) -> None:
        add(make_product(), stored(count=2))

        assert not LooseFile.objects.exists()

    def test_refuses_more_than_twenty(self) -> None:
        product = make_product()
        add(product, imagined(19))
        surplus = stored(count=2)

        with pytest.raises(TooManyImages):
            add(product, surplus)

        assert ProductImage.objects.filter(product=product).count() == 19
        assert LooseFile.objects.count() == 2
        assert OutboxEvent.objects.filter(name="products.image_added").count() == 19

    @pytest.mark.parametrize("key", ["nowhere", "a\0", "0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4"])
    def test_refuses_an_unknown_product(self, key: str) -> None:
        with pytest.raises(ProductNotFound):
            services.add_images(product=key, pictures=imagined(1), at=NOON)

    def test_refuses_a_deleted_product(self) -> None:
        product = make_product(deleted_at=NOON)

        with pytest.raises(ProductNotFound):
            add(product, imagined(1))

        assert not ProductImage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_uploads_at_once_do_not_pass_the_limit_together() -> None:
    product = make_product()
    add(product, imagined(18))

    def try_to_add(_: int) -> str:
        try:
            add(product, imagined(1))
        except TooManyImages:
            return "refused"
        finally:
            connections.close_all()
        return "added"

    with ThreadPoolExecutor(max_workers=6) as staff:
        outcomes = sorted(staff.map(try_to_add, range(6)))

    assert outcomes == ["added"] * 2 + ["refused"] * 4
    assert sorted(ProductImage.objects.values_list("position", flat=True)) == list(range(20))


@pytest.mark.django_db
class TestUpdateImage:
    @pytest.mark.parametrize(("position", "expected"), [(0, "CAB"), (1, "ACB"), (99, "ABC")])
    def test_moves_a_picture_among_the_others(self, position: int, expected: str) -> None:
        product = make_product()
        images = add(product, imagined(3), alts=list("ABC"))

        services.update_image(product=str(product.pk), image_id=images[2].pk, position=position, at=LATER)

        assert "".join(image["alt"] for image in shown_images(product)) == expected

    def test_changes_the_text_alone(self) -> None:
        product = make_product()
        images = add(product, imagined(2), alts=list("AB"))

        services.update_image(product=str(product.pk), image_id=images[1].pk, alt="New", at=LATER)

        assert [image["alt"] for image in shown_images(product)] == ["A", "New"]

    def test_does_not_know_pictures_of_other_products(self) -> None:
        (image,) = add(make_product(), imagined(1), alts=["Old"])

        with pytest.raises(ImageNotFound):
            services.update_image(product=str(make_product().pk), image_id=image.pk, alt="New", at=LATER)

        assert ProductImage.objects.get(pk=image.pk).alt == "Old"


@pytest.mark.django_db
class TestRemoveImage:
    def test_removes_its_files_after_the_commit(
        self, media: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        product = make_product()
        (image,) = add(product, stored())
        outbox.drain()

        with django_capture_on_commit_callbacks() as callbacks:
            services.remove_image(product=str(product.pk), image_id=image.pk)

        assert len(files_in(media)) == 4
        callbacks[-1]()
        assert files_in(media) == []
        assert shown_images(product) == []

    def test_does_not_know_pictures_of_other_products(self, media: Path) -> None:
        (image,) = add(make_product(), stored())

        with pytest.raises(ImageNotFound):
            services.remove_image(product=str(make_product().pk), image_id=image.pk)

        assert len(files_in(media)) == 1
        assert ProductImage.objects.filter(pk=image.pk).exists()


@pytest.mark.django_db
class TestMakeThumbnails:
    def test_stores_three_widths_and_shows_them(self, media: Path) -> None:
        product = make_product()
        (image,) = add(product, stored())

        outbox.drain()

        image.refresh_from_db()
        stem = str(image.file.name).removesuffix(".jpg")
        assert image.thumbnails == {width: f"{stem}-{width}.webp" for width in ("160", "480", "960")}
        assert shown_images(product)[0]["thumbnails"]["480"] == default_storage.url(f"{stem}-480.webp")
        assert not Delivery.objects.exclude(done_at__isnull=False).filter(handler__startswith="products").exists()

    def test_does_the_same_when_it_is_delivered_twice(self, media: Path) -> None:
        product = make_product()
        (image,) = add(product, stored())
        outbox.drain()
        before, version = files_in(media), ProductDocument.objects.get(product=product).version

        with transaction.atomic():
            handlers.make_thumbnails(delivery_id="again", image_id=str(image.pk), product_id=str(product.pk))

        assert files_in(media) == before
        assert ProductDocument.objects.get(product=product).version == version

    def test_does_nothing_for_a_picture_that_is_gone(self, media: Path) -> None:
        product = make_product()
        (image,) = add(product, stored())
        pk = str(image.pk)
        image.delete()

        with transaction.atomic():
            handlers.make_thumbnails(delivery_id="late", image_id=pk, product_id=str(product.pk))

        assert len(files_in(media)) == 1

    def test_leaves_no_files_of_a_picture_that_goes_meanwhile(
        self, media: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        product = make_product()
        (image,) = add(product, stored())
        save = default_storage.save

        def save_and_delete_row(name: str, content: Any) -> str:
            ProductImage.objects.filter(pk=image.pk).delete()
            return str(save(name, content))

        monkeypatch.setattr(default_storage, "save", save_and_delete_row)

        with transaction.atomic():
            handlers.make_thumbnails(delivery_id="late", image_id=str(image.pk), product_id=str(product.pk))

        assert files_in(media) == [image.file.name]

    def test_is_tried_again_where_the_disk_is_full(self, monkeypatch: pytest.MonkeyPatch, media: Path) -> None:
        product = make_product()
        (image,) = add(product, stored())

        def full(*_: object) -> str:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(default_storage, "save", full)
        outbox.drain()

        owed = Delivery.objects.get(handler="products.handlers.make_thumbnails")
        assert (owed.state, owed.attempts) == ("owed", 1)
        image.refresh_from_db()
        assert image.thumbnails == {}
        assert len(files_in(media)) == 1

    def test_is_a_step(self) -> None:
        with pytest.raises(NoTransaction):
            handlers.make_thumbnails(delivery_id="x", image_id="0192f3c4-7bd9-7cc2-8b5d-e0a6f0a3b1f4")
