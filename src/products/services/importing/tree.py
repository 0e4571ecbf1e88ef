"""Writing categories that files name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Mapping as Map
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.ids import new_id
from core.transactions import step
from products import domain
from products.models import Category
from products.services.importing.graph import Node
from products.services.tree import grow_tree, lock_tree, share_tree

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A category, by its slug, that an import renames or moves; ``parent`` is a slug."""

    slug: str
    name: str
    parent: str | None


@step
def ensure_paths(*, paths: Collection[Path], at: datetime) -> dict[Path, UUID]:
    """Return the category of each path of names; missing ones are made. A few statements per level of the tree.

    A path of one word that is the slug of a category means that one. Names are compared in any case.
    """
    grow_tree()
    found: dict[Path, Category] = {}
    by_slug = _by_slug(paths)
    for level in _levels(paths):
        found |= _there(level, found, by_slug)
        missing = {
            path: _new(name=_readable(path[-1]), parent=found.get(path[:-1]), external_id="", at=at)
            for path in level
            if path not in found
        }
        _insert(list(missing.values()))
        found |= missing
    return {path: found[path].pk for path in paths}


@step
def find_paths(*, paths: Collection[Path]) -> dict[Path, UUID]:
    """Return the category of each path of names of which there is one, as ``ensure_paths`` would. Fewer statements."""
    share_tree()
    found: dict[Path, Category] = {}
    by_slug = _by_slug(paths)
    for level in _levels(paths):
        found |= _there(level, found, by_slug)
    return {path: found[path].pk for path in paths if path in found}


@step
def write_nodes(*, nodes: Sequence[Node], at: datetime) -> tuple[int, list[Change]]:
    """Make those nodes of one level that are not there; return how many, and which of the others have changed.

    Their parents have to be there. Four statements for any number of nodes.
    """
    lock_tree()
    ids = {node.id for node in nodes} | {node.parent for node in nodes if node.parent}
    there = {category.external_id: category for category in Category.objects.filter(external_id__in=ids)}
    created, moved = [], []
    for node in nodes:
        parent = there[node.parent] if node.parent else None
        same = there.get(node.id)
        if same is None:
            created.append(_new(name=node.name, parent=parent, external_id=node.id, at=at))
        elif same.parent_id != (parent.pk if parent else None) or same.name != node.name:
            moved.append(Change(slug=same.slug, name=node.name, parent=parent.slug if parent else None))
    _insert(created)
    return len(created), moved


def _levels(paths: Collection[Path]) -> Iterator[list[Path]]:
    """Return all paths that lead to these, from the uppermost level to the deepest."""
    for depth in range(1, max(map(len, paths), default=0) + 1):
        yield sorted({path[:depth] for path in paths if len(path) >= depth})


def _by_slug(paths: Collection[Path]) -> dict[str, Category]:
    return {category.slug: category for category in Category.objects.filter(slug__in=[path[0] for path in paths])}


def _there(level: Collection[Path], found: Map[Path, Category], by_slug: Map[str, Category]) -> dict[Path, Category]:
    """Return what there is of the paths of one level; ``found`` is what there is above."""
    above = {path: found.get(path[:-1]) for path in level}
    parents = [parent.pk for parent in above.values() if parent]
    known = _children(parents) if parents or any(len(path) == 1 for path in level) else {}
    there = {}
    for path, parent in above.items():
        if len(path) > 1 and parent is None:
            continue
        same = known.get((parent.pk if parent else None, path[-1].casefold()))
        same = same or (by_slug.get(path[0]) if parent is None else None)
        if same is not None:
            there[path] = same
    return there


def _children(parents: Collection[UUID]) -> dict[tuple[UUID | None, str], Category]:
    rows = Category.objects.filter(parent__in=parents) if parents else Category.objects.filter(parent=None)
    return {(category.parent_id, category.name.casefold()): category for category in rows}


def _new(*, name: str, parent: Category | None, external_id: str, at: datetime) -> Category:
    """Make a category, not yet written and without a slug."""
    pk = new_id()
    above = parent.ancestor_ids if parent else []
    return Category(
        id=pk,
        name=name,
        parent=parent,
        path=parent.path if parent else "",
        ancestor_ids=[*above, pk],
        external_id=external_id,
        created_at=at,
    )


def _insert(categories: Sequence[Category]) -> None:
    """Give slugs and write. Two names alike get the parent's slug before them, and a number if that is taken, too."""
    if not categories:
        return
    wanted = [domain.make_slug(category.name, fallback=category.pk.hex[-8:]) for category in categories]
    longer = [
        f"{category.parent.slug}-{slug}"[: domain.SLUG_LENGTH].strip("-") if category.parent else slug
        for category, slug in zip(categories, wanted, strict=True)
    ]
    taken = _taken([*wanted, *longer])
    for category, short, long in zip(categories, wanted, longer, strict=True):
        category.slug = short if short not in taken else domain.numbered_slug(long, taken)
        category.path = f"{category.path}/{category.slug}".strip("/")
        taken.add(category.slug)
    Category.objects.bulk_create(categories)


def _taken(slugs: Iterable[str]) -> set[str]:
    """Return all slugs that are one of these, or one of these with a number."""
    pattern = "^(" + "|".join(sorted(set(slugs))) + ")(-[0-9]+)?$"
    return set(Category.objects.filter(slug__regex=pattern).values_list("slug", flat=True))


def _readable(name: str) -> str:
    """Return ``kitchen-accessories`` as ``Kitchen accessories``; a name that is no slug stays."""
    return name.replace("-", " ").capitalize() if name.islower() and " " not in name and domain.is_slug(name) else name
