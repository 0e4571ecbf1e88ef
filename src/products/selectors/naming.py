"""What a product is called, for whoever tells of it."""

from __future__ import annotations

from uuid import UUID

from products.errors import ProductNotFound
from products.models import Product


def get_product_for_message(*, product_id: UUID) -> Product:
    """Return a product with its category, deleted and inactive ones too. One query.

    :raises ProductNotFound: there never was one
    """
    product: Product | None = Product.all_objects.filter(pk=product_id).select_related("category").first()
    if product is None:
        raise ProductNotFound
    return product
