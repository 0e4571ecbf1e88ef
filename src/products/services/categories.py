"""Writes of the category tree. Whatever changes its shape takes one lock, so that two moves cannot close a circle.

Products share that lock on their way into a category, so that those below a branch stay the same while it changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Max, QuerySet
from django.db.models.functions import Length
from django.utils import timezone
from django.utils.text import slugify

from core.ids import new_id
from core.images import StoredImage
from core.kept import announce_change
from core.media import forget_files, keep_files
from core.transactions import command, step
from products.domain import SLUG_LENGTH, is_slug, is_uuid, numbered_slug
from products.errors import (
    CategoryCycle,
    CategoryInUse,
    CategorySlugTaken,
    CategoryTooDeep,
    NoSuchCategory,
    UnknownParent,
)
from products.models import Category, Product
from products.services import documents
from products.services.tree import lock_tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from core.models import LockingQuerySet

# PostgreSQL indexes texts of up to 2,704 bytes, and every path is unique.
MAX_PATH_LENGTH = 2_000

# Of the whole branch: what stood above the node gives way to what stands above it now.
_MOVE_BRANCH = """
    UPDATE products_category
       SET path = %(path)s || substr(path, %(cut)s),
           ancestor_ids = %(ancestors)s::uuid[] || ancestor_ids[%(level)s:],
           updated_at = %(at)s
     WHERE ancestor_ids @> ARRAY[%(id)s::uuid]
"""


@command
def create_category(
    *, name: str, at: datetime, slug: str | None = None, parent: str | None = None, position: int = 0
) -> Category:
    """Add a category below the one of the slug ``parent``, or at the top. Without a slug, one is made from the name.

    :raises CategorySlugTaken: the slug that was asked for is another's
    :raises UnknownParent: there is no such parent
    :raises CategoryTooDeep: its path would be too long
    """
    lock_tree()
    above = _parent(parent)
    node = Category(id=new_id(), name=name, position=position, parent=above, created_at=at)
    node.slug = _free_slug(slug) if slug else _slug_for(name)
    node.path = f"{above.path}/{node.slug}" if above else node.slug
    node.ancestor_ids = [*(above.ancestor_ids if above else []), node.pk]
    if len(node.path) > MAX_PATH_LENGTH:
        raise CategoryTooDeep(max_path_length=MAX_PATH_LENGTH)
    node.save(force_insert=True)
    announce_change(at=at)
    return node


@command
def update_category(*, slug: str, changes: Mapping[str, Any], at: datetime) -> Category:
    """Change a category's ``name``, ``slug``, ``position`` or ``parent`` (a slug; ``None`` is the top).

    The paths of the whole branch and the documents of all products in it follow, in the same transaction; their
    number decides the cost, in a constant number of statements.

    :raises NoSuchCategory: there is none of that slug
    :raises CategorySlugTaken: the new slug is another's
    :raises UnknownParent: there is no such parent
    :raises CategoryCycle: the new parent is the category itself or stands below it
    :raises CategoryTooDeep: a path in the branch would be too long
    """
    lock_tree()
    if changes.keys() & {"name", "slug", "parent"}:
        _lock_products_below(slug)
    node = _locked(slug)
    wanted = dict(changes)
    above = _parent(wanted.pop("parent")) if "parent" in wanted else node.parent
    if above is not None and node.pk in above.ancestor_ids:
        raise CategoryCycle(category=node.slug, parent=above.slug)
    if wanted.get("slug", node.slug) != node.slug:
        _free_slug(wanted["slug"])
    is_shown_anew = any(getattr(node, name) != wanted.get(name, getattr(node, name)) for name in ("name", "slug"))

    moved = above != node.parent
    for name, value in wanted.items():
        setattr(node, name, value)
    node.parent = above
    node.updated_at = at
    node.save(update_fields=["name", "slug", "position", "parent", "updated_at"])
    if moved or is_shown_anew:
        _follow(node, at)
    announce_change(at=at)
    return node


@command
def delete_category(*, slug: str) -> None:
    """Remove an empty category, and its image after the commit.

    :raises NoSuchCategory: there is none of that slug
    :raises CategoryInUse: it has products, deleted ones included, or categories below it
    """
    lock_tree()
    node = _locked(slug)
    children = Category.objects.filter(parent=node).count()
    products = Product.all_objects.filter(category=node).count()
    if children or products:
        raise CategoryInUse(children=children, products=products)
    node.delete()
    forget_files([node.image.name])
    announce_change(at=timezone.now())


@command
def set_category_image(*, slug: str, image: StoredImage | None, at: datetime) -> Category:
    """Give the category that picture, or none. The file of the former one is removed after the commit.

    :raises NoSuchCategory: there is none of that slug
    """
    node = _locked(slug)
    forget_files([node.image.name])
    if image:
        keep_files([image.name])
    node.image = image.name if image else ""
    node.updated_at = at
    node.save(update_fields=["image", "updated_at"])
    announce_change(at=at)
    return node


@step
def _lock_products_below(slug: str) -> None:
    """Take the products before the category, as those who edit a product do: its foreign key locks the category."""
    node = _by_slug(slug).values_list("pk", flat=True)
    branch = Category.objects.filter(ancestor_ids__contains=list(node))
    below = Product.objects.filter(category__in=branch.values("pk")).values_list("pk", flat=True)
    documents.lock_products(product_ids=list(below))


def _locked(slug: str) -> Category:
    node: Category | None = _by_slug(slug).locked().first()
    if node is None:
        raise NoSuchCategory
    return node


def _by_slug(slug: str) -> LockingQuerySet[Category]:
    found: LockingQuerySet[Category] = Category.objects.filter(slug=slug) if is_slug(slug) else Category.objects.none()
    return found


def _parent(slug: str | None) -> Category | None:
    if slug is None:
        return None
    found: Category | None = Category.objects.filter(slug=slug).first()
    if found is None:
        raise UnknownParent(parent=slug)
    return found


def _free_slug(slug: str) -> str:
    if Category.objects.filter(slug=slug).exists():
        raise CategorySlugTaken(slug=slug)
    return slug


def _slug_for(name: str) -> str:
    slug = slugify(name)[: SLUG_LENGTH - 8].strip("-_")
    if not slug or is_uuid(slug):
        slug = "category"
    return numbered_slug(slug, Category.objects.filter(slug__startswith=slug).values_list("slug", flat=True))


def _follow(node: Category, at: datetime) -> None:
    """Bring paths and ancestors of the branch, and the documents of its products, in line with the node."""
    above = Category.objects.get(pk=node.parent_id) if node.parent_id else None
    path = f"{above.path}/{node.slug}" if above else node.slug
    ancestors = above.ancestor_ids if above else []
    branch: QuerySet[Category] = Category.objects.filter(ancestor_ids__contains=[node.pk])
    longest = branch.aggregate(longest=Max(Length("path")))["longest"] - len(node.path) + len(path)
    if longest > MAX_PATH_LENGTH:
        raise CategoryTooDeep(max_path_length=MAX_PATH_LENGTH)

    with connection.cursor() as cursor:
        cursor.execute(
            _MOVE_BRANCH,
            {
                "id": node.pk,
                "path": path,
                "cut": len(node.path) + 1,
                "ancestors": ancestors,
                "level": len(node.ancestor_ids),
                "at": at,
            },
        )
    node.path, node.ancestor_ids = path, [*ancestors, node.pk]
    documents.render_category(category_id=node.pk)
