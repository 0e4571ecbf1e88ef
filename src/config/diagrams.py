"""The diagrams of the documentation, as Graphviz sources: made from the models, the floors and the subscriptions."""

from __future__ import annotations

import ast
import configparser
import inspect
from collections.abc import Iterator
from html import escape
from importlib import import_module
from itertools import pairwise
from typing import Any

from django.apps import apps
from django.db import models

from config.settings.env import ROOT, SRC
from config.subscriptions import INLINE_SUBSCRIPTIONS, SUBSCRIPTIONS

_FONT = 'fontname="Helvetica"'
_INK, _PAPER, _LINE = "#1f2933", "#ffffff", "#7b8794"
_FRAME = f'style=rounded; color="{_LINE}"; margin=18; fontsize=13;'
_TINTS = {
    "core": "#e4e7eb",
    "markets": "#d9f2e6",
    "accounts": "#dbeafe",
    "products": "#fef3c7",
    "inventory": "#fde2d3",
    "payments": "#f3e0f7",
    "promotions": "#fff1e0",
    "sandbox": "#eceff1",
    "pricing": "#ede9fe",
    "carts": "#e0f2f1",
    "orders": "#fce4ec",
    "notifications": "#e8eaf6",
    "config": "#f5f7fa",
}
# What every table has is not repeated in every box.
_EVERYWHERE = {"created_at", "updated_at"}


def floors() -> list[list[str]]:
    """Return the apps, floor by floor from the top, as ``.importlinter`` has them."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    lines = parser["importlinter:contract:floors"]["layers"].split("\n")
    return [[name.strip() for name in line.split("|")] for line in lines if line.strip()]


def entities() -> str:
    """Return the entity-relationship diagram of our tables."""
    names = [name for floor in reversed(floors()) for name in floor if apps.is_installed(name)]
    tables = {
        name: [m for m in apps.get_app_config(name).get_models() if ".tests." not in m.__module__] for name in names
    }
    parts = [_cluster(name, owned) for name, owned in tables.items() if owned]
    parts += sorted(edge for owned in tables.values() for model in owned for edge in _references(model))
    head = f"""\
digraph entities {{
  graph [rankdir=LR, {_FONT}, fontsize=22, nodesep=0.22, ranksep=1.3, splines=spline, newrank=true, compound=true,
    labelloc=t, label="Tables of Nexus, by app. Crow's feet stand at the many; a dashed line may be empty."];
  node [shape=plain, {_FONT}, fontsize=12, fontcolor="{_INK}"];
  edge [color="{_LINE}", dir=both, arrowhead=none, arrowtail=crow, arrowsize=0.8];"""
    return "\n".join([head, *parts, "}", ""])


def architecture() -> str:
    """Return the diagram of processes, floors, and who reacts to whose facts."""
    rows = floors()
    nodes = [f"    {{ rank=same; {' '.join(_room(name) for name in floor)} }}" for floor in rows]
    spine = [f"    {above[0]} -> {below[0]} [style=invis, weight=20];" for above, below in pairwise(rows)]
    calls = [f'    {caller} -> {called} [color="{_INK}", constraint=false];' for caller, called in sorted(_writes())]
    facts = [
        f'    {source} -> {target} [style=dashed, color="#c2410c", constraint=false];'
        for source, target in sorted(_reactions(SUBSCRIPTIONS))
    ]
    inline = [
        f'    {source} -> {target} [style=dotted, penwidth=2, color="#7c3aed", constraint=false];'
        for source, target in sorted(_reactions(INLINE_SUBSCRIPTIONS))
    ]
    return "\n".join([_RUNTIME, *nodes, *spine, *calls, *facts, *inline, "  }", _LEGEND, "}", ""])


_RUNTIME = f"""\
digraph architecture {{
  graph [rankdir=TB, {_FONT}, fontsize=16, nodesep=0.5, ranksep=0.42, compound=true, newrank=true, splines=spline];
  node [shape=box, style="rounded,filled", {_FONT}, fontsize=13, fillcolor="{_PAPER}", color="{_LINE}",
    fontcolor="{_INK}", margin="0.18,0.09"];
  edge [color="{_LINE}", {_FONT}, fontsize=11, fontcolor="{_INK}"];
  clients [label="storefronts, scripts, staff\\nHTTP", shape=plaintext, style="", color=none];
  subgraph cluster_processes {{
    label="processes"; labeljust=r; {_FRAME}
    web [label="web server\\nREST, admin, docs"];
    worker [label="worker and clock\\nCelery tasks, deliveries"];
  }}
  subgraph cluster_servers {{
    label="servers: embedded, or named by the environment"; labeljust=r; {_FRAME}
    postgres [label="PostgreSQL\\nrows, ledgers, outbox, read documents", shape=cylinder, style=filled];
    redis [label="Redis\\nbroker, cache", shape=cylinder, style=filled];
    outside [label="mail server, media store", shape=cylinder, style=filled];
  }}
  clients -> web;
  web -> postgres [label=" one transaction: change + event + deliveries"];
  web -> redis [label=" after the commit: wake"];
  worker -> redis [dir=back, label=" relay, deliver"];
  worker -> postgres [label=" what is owed"];
  worker -> outside [label=" after the commit"];
  postgres -> config [style=invis];
  redis -> config [style=invis];
  subgraph cluster_floors {{
    label="floors of the code: an app may import those below it"; labeljust=l; {_FRAME}"""
_LEGEND = """\
  legend [shape=plain, style="", label=<<table border="0" cellspacing="2">
    <tr><td align="left"><font color="#1f2933">solid: calls services of</font></td></tr>
    <tr><td align="left"><font color="#c2410c">dashed: reacts after the commit (outbox)</font></td></tr>
    <tr><td align="left"><font color="#7c3aed">dotted: reacts in the same transaction</font></td></tr></table>>];
  core -> legend [style=invis];"""


def _room(name: str) -> str:
    purpose = (inspect.getdoc(import_module(name)) or "").split("\n\n")[0]
    first = _wrapped(purpose.split(". ")[0].split(";")[0].rstrip("."), width=34)
    rows = "".join(f'<br/><font point-size="10">{escape(line)}</font>' for line in first)
    return f'{name} [fillcolor="{_TINTS.get(name, _PAPER)}", label=<<b>{name}</b>{rows}>];'


def _wrapped(text: str, *, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _writes() -> set[tuple[str, str]]:
    """Which app calls another app's services. ``config`` is left out: it reaches everything."""
    names = {name for floor in floors() for name in floor} - {"config"}
    return {
        (name, called)
        for name in names
        for file in (SRC / name).rglob("*.py")
        if "tests" not in file.parts
        for called in _services_in(ast.parse(file.read_text()))
        if called in names - {name}
    }


def _services_in(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and any(name.name == "services" for name in node.names):
            yield node.module


def _reactions(subscriptions: dict[str, tuple[str, ...]]) -> set[tuple[str, str]]:
    pairs = {
        (event.split(".")[0], handler.split(".")[0])
        for event, handlers in subscriptions.items()
        for handler in handlers
    }
    return {(source, target) for source, target in pairs if source != target}


def _cluster(name: str, owned: list[type[models.Model]]) -> str:
    boxes = "\n".join(f"    {_key(model)} [label=<{_table(model)}>];" for model in owned)
    return f"""\
  subgraph cluster_{name} {{
    label="{name}"; labeljust=l; margin=14; style="rounded,filled";
    color="{_TINTS[name]}"; fillcolor="{_TINTS[name]}80";
{boxes}
  }}"""


def _table(model: type[models.Model]) -> str:
    rows = "".join(_row(field) for field in model._meta.concrete_fields if field.name not in _EVERYWHERE)
    title = f'<tr><td bgcolor="{_INK}"><font color="white"><b>{model.__name__}</b></font></td></tr>'
    return f'<table border="1" cellborder="0" cellspacing="0" cellpadding="3" bgcolor="white">{title}{rows}</table>'


def _row(field: models.Field[Any, Any]) -> str:
    mark = " (key)" if field.primary_key else " (unique)" if field.unique else ""
    name = f"<b>{field.name}</b>" if field.primary_key or field.is_relation else field.name
    grey = f'<font color="{_LINE}" point-size="10">{"null " if field.null else ""}{_kind(field)}{mark}</font>'
    return f'<tr><td align="left" port="{field.name}">{name} {grey}</td></tr>'


def _kind(field: models.Field[Any, Any]) -> str:
    if isinstance(field, models.ForeignKey):
        return str(field.related_model._meta.label)
    return type(field).__name__.removesuffix("Field").lower()


def _references(model: type[models.Model]) -> Iterator[str]:
    for field in model._meta.concrete_fields:
        if isinstance(field, models.ForeignKey) and apps.is_installed(field.related_model._meta.app_label):
            target = field.related_model
            if target._meta.app_label not in _TINTS:
                continue
            tail = "tee" if field.unique else "crow"
            style = ", style=dashed" if field.null else ""
            yield f"  {_key(model)}:{field.name} -> {_key(target)} [arrowtail={tail}{style}];"


def _key(model: type[models.Model]) -> str:
    return f"{model._meta.app_label}_{model.__name__}"
