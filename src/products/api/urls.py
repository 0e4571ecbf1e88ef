"""Addresses of the catalogue, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

from products.api.categories import CategoryCollection, CategoryDetail, CategoryImage
from products.api.images import ImageCollection, ImageDetail
from products.api.lists import ListPrices, PriceListCollection, PriceListDetail
from products.api.products import (
    ProductCollection,
    ProductDetail,
    ProductPrices,
    ProductRestore,
    StaffProductCollection,
    StaffProductDetail,
    VariantCollection,
    VariantDetail,
)

urlpatterns = [
    path("categories", CategoryCollection.as_view()),
    path("categories/<str:slug>", CategoryDetail.as_view()),
    path("categories/<str:slug>/image", CategoryImage.as_view()),
    path("products", ProductCollection.as_view()),
    path("products/prices", ProductPrices.as_view()),
    path("products/<str:key>", ProductDetail.as_view()),
    path("products/<str:key>/restore", ProductRestore.as_view()),
    path("products/<str:key>/variants", VariantCollection.as_view()),
    path("products/<str:key>/variants/<uuid:variant_id>", VariantDetail.as_view()),
    path("products/<str:key>/images", ImageCollection.as_view()),
    path("products/<str:key>/images/<uuid:image_id>", ImageDetail.as_view()),
    path("price-lists", PriceListCollection.as_view()),
    path("price-lists/<str:code>", PriceListDetail.as_view()),
    path("price-lists/<str:code>/prices", ListPrices.as_view()),
    path("staff/products", StaffProductCollection.as_view()),
    path("staff/products/<str:key>", StaffProductDetail.as_view()),
]
