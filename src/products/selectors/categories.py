"""Reads of the category tree."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet

from core.errors import Malformed
from core.pagination import Page, PageRequest, paginate
from products.domain import is_slug
from products.errors import NoSuchCategory
from products.models import Category

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID


def page_of_categories(
    *, page: PageRequest, parent: str | None = None, levels: int | None = None, as_tree: bool = False
) -> Page:
    """Return a page of the categories, or of those below ``parent`` (then one level of them unless told otherwise).

    Flat, in the order of their paths; or as a tree: the uppermost ones in their order, and all below each, down to
    ``levels``, in ``branches``. At most four queries for any number of rows.

    :raises Malformed: there is no such parent
    """
    above = _parent(parent)
    depth = 1 if above is not None and levels is None and not as_tree else levels
    if not as_tree:
        return paginate(list_categories(parent=above, levels=depth), page=page, order=("path", "pk"))
    found = paginate(list_categories(parent=above, levels=1), page=page, order=("position", "pk"))
    with_branches(tops=found.rows, levels=depth)
    return found


def get_category(*, slug: str) -> Category:
    """Return the category, with what ``list_categories`` adds. One query.

    :raises NoSuchCategory: there is none of that slug
    """
    found: Category | None = _shown().filter(slug=slug).first() if is_slug(slug) else None
    if found is None:
        raise NoSuchCategory
    return found


def list_categories(*, parent: Category | None = None, levels: int | None = None) -> QuerySet[Category]:
    """Return the categories below ``parent``, or all, at most so many levels down. One query.

    Each has ``parent_slug`` and ``child_slugs`` (in their order).
    """
    rows = _shown()
    top = 0
    if parent is not None:
        rows = rows.filter(ancestor_ids__contains=[parent.pk]).exclude(pk=parent.pk)
        top = len(parent.ancestor_ids)
    if levels == 1:
        return rows.filter(parent=parent)
    return rows.filter(ancestor_ids__len__lte=top + levels) if levels is not None else rows


def with_branches(*, tops: Sequence[Category], levels: int | None = None) -> list[Category]:
    """Return the same categories; each, and all below it, has its children in ``branches``. One query.

    :param levels: how many levels to show in all, the first being that of ``tops``
    """
    rows = _shown().filter(ancestor_ids__overlap=[top.pk for top in tops]).exclude(pk__in=[top.pk for top in tops])
    if levels is not None and tops:
        rows = rows.filter(ancestor_ids__len__lt=len(tops[0].ancestor_ids) + levels)
    children: dict[UUID | None, list[Category]] = defaultdict(list)
    for row in rows.order_by("position", "pk") if tops and levels != 1 else ():
        children[row.parent_id].append(row)
    for node in [*tops, *(row for rows in list(children.values()) for row in rows)]:
        node.branches = children.get(node.pk, [])  # type: ignore[attr-defined]
    return list(tops)


def _parent(slug: str | None) -> Category | None:
    if slug is None:
        return None
    try:
        return get_category(slug=slug)
    except NoSuchCategory as error:
        raise Malformed.field("parent", "There is no such category.", code="unknown_category") from error


def _shown() -> QuerySet[Any]:
    children = Category.objects.filter(parent=OuterRef("pk")).order_by("position", "pk")
    rows: QuerySet[Any] = Category.objects.annotate(
        parent_slug=F("parent__slug"), child_slugs=ArraySubquery(children.values("slug"))
    )
    return rows
