"""Categories as they are sent and received."""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import BooleanField, IntegerField, TextField
from core.api.pages import PageQuery
from core.api.serializers import Input

MAX_LEVELS = 100
_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"


def slug_field(**options: Any) -> TextField:
    """Return a field for a category's slug: lower-case ASCII letters and digits, with hyphens between them."""
    return TextField(
        max_length=120,
        validators=[RegexValidator(_SLUG, "Lower-case letters and digits, with hyphens between them.")],
        **options,
    )


class CategoryQuery(PageQuery):
    """What part of the tree is wanted."""

    parent = TextField(  # type: ignore[assignment]
        required=False, max_length=120, help_text="The slug of a category: only what is below it."
    )
    depth = IntegerField(
        from_text=True,
        required=False,
        min_value=1,
        max_value=MAX_LEVELS,
        help_text="How many levels; without `parent` all, with it one unless `tree` is set.",
    )
    tree = BooleanField(
        from_text=True,
        required=False,
        default=False,
        help_text="Nest all that is below each category in its `branches`; pages then count the uppermost ones.",
    )


class CategoryInput(Input):
    """A new category."""

    name = TextField(max_length=200)
    slug = slug_field(required=False, help_text="Made from the name if left out.")
    parent = slug_field(  # type: ignore[assignment]
        required=False, allow_null=True, help_text="The slug of the category above; null is the top."
    )
    position = IntegerField(required=False, min_value=0, help_text="Its place among its siblings.")


class CategoryChanges(CategoryInput):
    """What is to change. Another `parent` moves the whole branch; another `slug` or `parent` changes its paths."""

    name = TextField(max_length=200, required=False)


class CategoryImageInput(Input):
    """One picture."""

    image = serializers.FileField(help_text="JPEG, PNG or WebP.")


@extend_schema_field({"type": "array", "items": {"$ref": "#/components/schemas/CategoryOutput"}})
class BranchesField(serializers.Field):  # type: ignore[type-arg]
    """Categories within categories: for the schema, which cannot find out by itself."""


class CategoryOutput(serializers.Serializer):  # type: ignore[type-arg]
    """A node of the tree."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.CharField()
    path = serializers.CharField(help_text="The slugs from the top, joined by `/`.")
    parent = serializers.CharField(  # type: ignore[assignment]
        allow_null=True, help_text="The slug of the category above."
    )
    children = serializers.ListField(
        child=serializers.CharField(), help_text="The slugs of the categories right below, in their order."
    )
    depth = serializers.IntegerField(help_text="How many categories are above it.")
    position = serializers.IntegerField()
    image = serializers.CharField(allow_null=True, help_text="The address of its picture.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    branches = BranchesField(required=False, help_text="With `tree=true`: the same of each child.")


class CategoryPage(serializers.Serializer):  # type: ignore[type-arg]
    """A page of categories."""

    count = serializers.IntegerField()
    count_is_estimate = serializers.BooleanField(required=False)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = CategoryOutput(many=True)
    next_cursor = serializers.CharField(required=False)


def category_document(category: Any) -> dict[str, Any]:
    """Return a category that a selector read as it is sent; with ``branches`` where a selector filled them."""
    body = {
        "id": str(category.pk),
        "name": category.name,
        "slug": category.slug,
        "path": category.path,
        "parent": category.parent_slug,
        "children": category.child_slugs,
        "depth": len(category.ancestor_ids) - 1,
        "position": category.position,
        "image": category.image.url if category.image else None,
        "created_at": category.created_at,
        "updated_at": category.updated_at,
    }
    branches = getattr(category, "branches", None)
    if branches is not None:
        body["branches"] = [category_document(branch) for branch in branches]
    return body
