"""Writes of the pictures of products. Files are stored before, by ``core.media``, and removed after the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from core import images, media, outbox
from core.transactions import command, step
from products.domain import MAX_IMAGES, is_slug, is_uuid
from products.errors import ImageNotFound, ProductNotFound, TooManyImages
from products.events import ImageAdded
from products.models import Product, ProductImage
from products.services import documents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from core.images import StoredImage

THUMBNAIL_WIDTHS = (160, 480, 960)


@command
def add_images(
    *, product: str, pictures: Sequence[StoredImage], alts: Sequence[str] = (), at: datetime
) -> list[ProductImage]:
    """Append stored pictures to a product (id or slug), in their order; a worker makes their thumbnails.

    Locks the product, so that two uploads cannot go past the limit together.

    :param alts: texts for those who do not see the pictures, in the same order; those left out are empty
    :raises ProductNotFound: there is none, or it is deleted
    :raises TooManyImages: it would have more than ``MAX_IMAGES``; none is added
    """
    owner = _locked(product)
    added = append_images(owner=owner, pictures=pictures, alts=alts, at=at)
    documents.render_products(product_ids=[owner.pk])
    return added


@step
def append_images(
    *, owner: Product, pictures: Sequence[StoredImage], alts: Sequence[str], at: datetime
) -> list[ProductImage]:
    """Append stored pictures to a locked product. Does not render.

    :raises TooManyImages: it would have more than ``MAX_IMAGES``
    """
    present = list(ProductImage.objects.filter(product=owner).values_list("position", flat=True))
    if len(present) + len(pictures) > MAX_IMAGES:
        raise TooManyImages(max_images=MAX_IMAGES, images=len(present))

    first = max(present, default=-1) + 1
    added: list[ProductImage] = ProductImage.objects.bulk_create(
        ProductImage(
            product=owner,
            file=picture.name,
            width=picture.width,
            height=picture.height,
            alt=alt,
            position=first + index,
            created_at=at,
        )
        for index, (picture, alt) in enumerate(zip(pictures, _padded(alts, len(pictures)), strict=True))
    )
    media.keep_files([picture.name for picture in pictures])
    outbox.publish_many([(ImageAdded(product_id=owner.pk, image_id=image.pk), at) for image in added])
    return added


@command
def update_image(
    *, product: str, image_id: UUID, at: datetime, alt: str | None = None, position: int | None = None
) -> ProductImage:
    """Change a picture's text, or its place among the product's pictures: 0 is the first, too much is the last.

    :raises ProductNotFound: there is no such product, or it is deleted
    :raises ImageNotFound: the product has no such picture
    """
    owner = _locked(product)
    row = list(ProductImage.objects.filter(product=owner).order_by("position", "pk"))
    image = next((image for image in row if image.pk == image_id), None)
    if image is None:
        raise ImageNotFound
    if position is not None:
        row.remove(image)
        row.insert(position, image)
    for index, each in enumerate(row):
        each.position = index
    image.alt = image.alt if alt is None else alt
    image.updated_at = at
    ProductImage.objects.bulk_update(row, ["position", "alt", "updated_at"])
    documents.render_products(product_ids=[owner.pk])
    return image


@command
def remove_image(*, product: str, image_id: UUID) -> None:
    """Take a picture from a product. Its files are removed after the commit.

    :raises ProductNotFound: there is no such product, or it is deleted
    :raises ImageNotFound: the product has no such picture
    """
    owner = _locked(product)
    image: ProductImage | None = ProductImage.objects.filter(product=owner, pk=image_id).locked().first()
    if image is None:
        raise ImageNotFound
    drop_images([image])
    documents.render_products(product_ids=[owner.pk])


@step
def drop_images(rows: Sequence[ProductImage]) -> None:
    """Remove pictures of a locked product, and their files after the commit. Does not render."""
    names = [name for image in rows for name in _files_of(image)]
    ProductImage.objects.filter(pk__in=[image.pk for image in rows]).delete()
    media.forget_files(names)


@step
def make_thumbnails(*, image_id: UUID) -> None:
    """Make and store the thumbnails of a picture and show them. A second time changes nothing but the files' times.

    The product is locked only after the work; a picture that is gone, before or meanwhile, leaves no files.

    :raises NotAnImage: the file was damaged since it was stored
    :raises Unavailable: the storage takes no more
    """
    image: ProductImage | None = ProductImage.objects.filter(pk=image_id).first()
    if image is None or not image.file:
        return
    with image.file.open() as file:
        made = images.make_thumbnails(file.read(), widths=THUMBNAIL_WIDTHS)
    names = _thumbnail_names(image)
    media.discard_files(names.values())
    written = {width: media.write_file(name, made[int(width)].content) for width, name in names.items()}
    # The product before the picture, as those who change pictures do.
    documents.lock_products(product_ids=[image.product_id])
    if ProductImage.objects.filter(pk=image_id).update(thumbnails=written):
        documents.render_products(product_ids=[image.product_id])
    else:
        media.discard_files(written.values())


def _locked(key: str) -> Product:
    """Lock the living product of that id or slug."""
    living = Product.objects.locked()
    found: Product | None = None
    if is_uuid(key):
        found = living.filter(pk=key).first()
    elif is_slug(key):
        found = living.filter(slug=key).first()
    if found is None:
        raise ProductNotFound
    return found


def _padded(alts: Sequence[str], length: int) -> list[str]:
    return [*alts[:length], *[""] * (length - len(alts))]


def _thumbnail_names(image: ProductImage) -> dict[str, str]:
    """Return width -> file name, the same at each try, so that a repeated one leaves nothing behind."""
    stem = str(image.file.name).rpartition(".")[0]
    return {str(width): f"{stem}-{width}.webp" for width in THUMBNAIL_WIDTHS}


def _files_of(image: ProductImage) -> list[str]:
    if not image.file:
        return []
    return sorted({image.file.name, *_thumbnail_names(image).values(), *image.thumbnails.values()})
