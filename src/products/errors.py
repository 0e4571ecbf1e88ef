"""How the catalogue refuses."""

from __future__ import annotations

from typing import Any

from core.errors import Conflict, Invalid, NotFound


class ProductNotFound(NotFound):
    """There is no such product, or it is not sold here."""

    code = "products.product_not_found"
    title = "There is no such product."


class ProductMoved(NotFound):
    """The product has another slug now. Public reads redirect there."""

    code = "products.product_moved"
    title = "The product has another address now."

    def __init__(self, *, slug: str) -> None:
        super().__init__(slug=slug)
        self.slug = slug


class VariantNotFound(NotFound):
    """The product has no such variant."""

    code = "products.variant_not_found"
    title = "There is no such variant."


class CategoryNotFound(Invalid):
    """A product names a category that is not there."""

    code = "products.category_not_found"
    title = "There is no such category."
    example = {"category": "mugs"}


class SlugTaken(Conflict):
    """Another living product has the slug, or had it."""

    code = "products.slug_taken"
    title = "Another product has this slug."
    example = {"slug": "blue-mug"}


class SkuTaken(Conflict):
    """Another living variant has the SKU."""

    code = "products.sku_taken"
    title = "Another variant has this SKU."
    example = {"skus": ["MUG-BLUE"]}

    def __init__(self, *, skus: list[str]) -> None:
        super().__init__(skus=skus)
        self.skus = skus


class LastVariant(Conflict):
    """A product keeps at least one variant."""

    code = "products.last_variant"
    title = "A product keeps at least one variant; delete the product instead."


class NotDeleted(Conflict):
    """Only a deleted product is restored."""

    code = "products.not_deleted"
    title = "The product is not deleted."


class ProductInvalid(Invalid):
    """A product cannot be like that."""

    code = "products.invalid"
    title = "A product cannot be like that."
    example = {"field": "variants"}


class PriceInvalid(Invalid):
    """An amount is not a price in that currency."""

    code = "products.price_invalid"
    title = "This is not a price."
    example = {"field": "price"}


class PricesInvalid(Invalid):
    """Some lines of a bulk change are wrong; none was written."""

    code = "products.prices_invalid"
    title = "Some lines are wrong; none was written."
    example = {
        "lines": [{"line": 1, "code": "products.price_invalid", "message": "There is no such variant.", "field": "sku"}]
    }

    def __init__(self, *, lines: list[dict[str, Any]]) -> None:
        """:param lines: ``[{"line": index from 0, "code", "message"}]``, every bad one"""
        super().__init__(lines=lines)
        self.lines = lines


class NoSuchCategory(NotFound):
    """There is no category of that slug."""

    code = "products.no_such_category"
    title = "There is no such category."


class UnknownParent(Invalid):
    """A category should stand below one that is not there."""

    code = "products.unknown_parent"
    title = "There is no such parent category."
    example = {"parent": "mugs"}


class CategorySlugTaken(Conflict):
    """Another category has that slug."""

    code = "products.category_slug_taken"
    title = "Another category has this slug."
    example = {"slug": "mugs"}


class CategoryInUse(Conflict):
    """The category has products (deleted ones count, since they can be restored) or categories below it."""

    code = "products.category_in_use"
    title = "The category is not empty."
    example = {"children": 2, "products": 9}


class CategoryCycle(Conflict):
    """A category would stand below itself."""

    code = "products.category_cycle"
    title = "A category cannot stand below itself."
    example = {"category": "kitchen", "parent": "mugs"}


class CategoryTooDeep(Invalid):
    """The path from the root would be longer than the database can index."""

    code = "products.category_too_deep"
    title = "The category would stand too deep."
    example = {"max_path_length": 2000}


class NotAnImage(Invalid):
    """The file is not a picture that is taken here; ``reason`` is ``kind``, ``damaged`` or ``too_many_pixels``."""

    code = "products.not_an_image"
    title = "This is not a JPEG, PNG or WebP image."
    example = {"file": 0, "reason": "kind"}


class ImageNotFound(NotFound):
    """The product has no such image."""

    code = "products.image_not_found"
    title = "There is no such image."


class TooManyImages(Conflict):
    """The product would have more images than it may."""

    code = "products.too_many_images"
    title = "The product has too many images."
    example = {"max_images": 20, "images": 19}


class FileUnreadable(Invalid):
    """The file of an import cannot be read as what its name says."""

    code = "products.file_unreadable"
    title = "The file cannot be read."


class HeaderWrong(Invalid):
    """The columns of an import file are not those of its mapping. Nothing was imported."""

    code = "products.header_wrong"
    title = "The header is wrong."
    example = {"mapping": "nexus", "missing": ["price"], "twice": [], "unknown": ["cost"]}

    def __init__(self, *, mapping: str, missing: list[str], twice: list[str], unknown: list[str]) -> None:
        """:param mapping: the mapping that was asked for, or all that were tried"""
        told = {"missing": missing, "twice": twice, "unknown": unknown}
        facts = "; ".join(f"{word}: {', '.join(names)}" for word, names in told.items() if names)
        super().__init__(f"The header does not fit the mapping {mapping}. {facts}", mapping=mapping, **told)


class MappingUnknown(Invalid):
    """There is no such mapping of columns, or it is not one."""

    code = "products.mapping_unknown"
    title = "There is no such mapping."


class PriceListNotFound(NotFound):
    """There is no price list of that code."""

    code = "products.price_list_not_found"
    title = "There is no such price list."


class PriceListTaken(Conflict):
    """There is a price list of that code."""

    code = "products.price_list_taken"
    title = "Another price list has this code."
    example = {"price_list": "summer-sale"}


class PriceListInvalid(Invalid):
    """A price list names an unknown currency, group or market, or ends before it starts."""

    code = "products.price_list_invalid"
    title = "The price list is not valid."
    example = {"field": "market"}
