"""A tree out of a graph of categories. The rules, with their reasons, stand in docs/decisions/0003-category-graph.md.

* A node's parent is the one before it in its own ``path``. Other nodes that name it as a child are reported, no more.
* A node of a path that has no row of its own is made from that path. A child without row or path is reported, no more.
* A path that names a node twice, or contradicts the parents known so far so that a circle would close, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from products.services.importing.mappings import Mapping as Columns
from products.services.importing.readers import Record
from products.services.importing.reports import Report
from products.services.importing.rows import RowRefused, clean_text

_MAX_ID = 100
_MAX_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A category by its id elsewhere; ``parent`` is such an id, ``None`` for a root."""

    id: str
    name: str
    parent: str | None
    line: int


class CategoryGraph:
    """Collects the nodes, then tells the tree. It has to hold all nodes: a circle may close with the last."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns.columns
        self._nodes: dict[str, Node] = {}
        self._described: set[str] = set()
        self._children: list[tuple[int, str, str]] = []

    def add(self, record: Record, report: Report) -> None:
        """Take a row in, or refuse it with the reason."""
        try:
            path = self._path(record)
            self._place(path, record.line)
        except RowRefused as refusal:
            report.refuse(line=record.line, key=record.values.get(self._columns["id"]), reason=str(refusal))
            return
        own = path[-1][0]
        for child in record.values.get(self._columns["children"]) or []:
            if isinstance(child, dict) and child.get("id"):
                self._children.append((record.line, own, str(child["id"])))

    def report_other_parents(self, report: Report) -> None:
        """Note every child whose own path leads elsewhere, and every child that the file does not describe."""
        for line, parent, child in self._children:
            node = self._nodes.get(child)
            if node is None:
                report.note(line=line, key=child, reason=f"named below {parent}, but has no row: not made")
            elif node.parent != parent:
                stands = f"below {node.parent}" if node.parent else "at the top"
                report.note(line=line, key=child, reason=f"also named below {parent}; its own path puts it {stands}")

    def levels(self) -> Iterator[list[Node]]:
        """Return the nodes level by level, parents before their children, in the order of the file."""
        level = [node for node in self._nodes.values() if node.parent is None]
        below: dict[str, list[Node]] = {}
        for node in self._nodes.values():
            if node.parent is not None:
                below.setdefault(node.parent, []).append(node)
        while level:
            yield level
            level = [child for node in level for child in below.get(node.id, [])]

    def _path(self, record: Record) -> list[tuple[str, str]]:
        """Return the ids and names from the root to the node itself."""
        if record.broken:
            raise RowRefused(record.broken)
        steps = record.values.get(self._columns["path"])
        if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
            raise RowRefused("path: is not a list of nodes")
        path = [(_id(step.get("id")), _name(step.get("name"))) for step in steps]
        own = (_id(record.values.get(self._columns["id"])), _name(record.values.get(self._columns["name"])))
        ids = [node for node, _ in path]
        if own[0] not in ids:
            raise RowRefused("path: does not lead to the node itself" if path else "path: is empty (an orphan)")
        if ids[-1] != own[0] or len(set(ids)) != len(ids):
            raise RowRefused("path: goes in a circle")
        return [*path[:-1], own]

    def _place(self, path: list[tuple[str, str]], line: int) -> None:
        parents = dict(zip((node for node, _ in path[1:]), (node for node, _ in path), strict=False))
        own = path[-1][0]
        if own in self._described:
            raise RowRefused("id: stands in the file before")
        if self._closes_circle(own, parents):
            raise RowRefused("path: would put the node below itself")
        for node, name in path[:-1]:
            # What a node's own row says about it stands; until then, whatever a path says.
            self._nodes.setdefault(node, Node(id=node, name=name, parent=parents.get(node), line=line))
        self._nodes[own] = Node(id=own, name=path[-1][1], parent=parents.get(own), line=line)
        self._described.add(own)

    def _closes_circle(self, node: str, parents: Mapping[str, str]) -> bool:
        above = parents.get(node)
        while above is not None and above != node:
            known = self._nodes.get(above)
            above = known.parent if known else parents.get(above)
        return above is not None


def _id(value: Any) -> str:
    text = clean_text("id", str(value or ""), most=_MAX_ID)
    if not text:
        raise RowRefused("id: is missing")
    return text


def _name(value: Any) -> str:
    text = clean_text("name", str(value or ""), most=_MAX_NAME)
    if not text:
        raise RowRefused("name: is missing")
    return text
