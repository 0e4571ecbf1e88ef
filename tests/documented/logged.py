"""What the shop writes to its log, as it stands in the code."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.documented.pages import modules

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
# Of accounts.services.watching: what is told by them, with which facts besides.
WATCHING = {"watched": {"outcome", "code"}, "tell": {"outcome"}, "warn": {"outcome"}}
SAYS = {"watched": {"info", "warning"}, "tell": {"info"}, "warn": {"warning"}}
# Not of an event: how a line is made.
_OTHER = {"exc_info"}


@dataclass
class Line:
    """An event of a logger: at which levels it is told, and with which facts."""

    levels: set[str] = field(default_factory=set)
    facts: set[str] = field(default_factory=set)


def lines() -> dict[tuple[str, str], Line]:
    """Return (logger, event) -> how it is told, of all calls that name their event."""
    found: dict[tuple[str, str], Line] = defaultdict(Line)
    for logger, event, levels, facts in _calls():
        found[logger, event].levels |= levels
        found[logger, event].facts |= facts
    return dict(found)


def _calls() -> Iterator[tuple[str, str, set[str], set[str]]]:
    for module, tree in modules():
        logger = _logger_of(tree) or module
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict) and {"event", "logger", "level"} <= (said_of := _constants(node)).keys():
                facts = {key.value for key in node.keys if isinstance(key, ast.Constant)} - {"event", "logger", "level"}
                yield said_of["logger"], said_of["event"], {said_of["level"]}, facts
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            event, facts = str(node.args[0].value), {word.arg or "**" for word in node.keywords} - _OTHER
            said = ast.unparse(node.func)
            if said.startswith("log.") and said.removeprefix("log.") in LEVELS:
                yield logger, event, {said.removeprefix("log.").replace("exception", "error")}, facts
            elif module == "config.inspecting" and said == "_tell":
                yield logger, event, {"error"}, {"found", "first"}
            elif said in WATCHING and module.startswith("accounts.") and _takes(tree, said):
                yield "nexus.security", event, SAYS[said], facts | WATCHING[said]


def unnamed() -> set[str]:
    """Return the modules that write events by other names than constants: helpers, whose callers name them."""
    return {
        module
        for module, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).removeprefix("log.") in LEVELS
        and ast.unparse(node.func).startswith("log.")
        and not (node.args and isinstance(node.args[0], ast.Constant))
    }


def _constants(node: ast.Dict) -> dict[str, str]:
    pairs = zip(node.keys, node.values, strict=True)
    return {
        str(key.value): str(value.value)
        for key, value in pairs
        if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)
    }


def _takes(tree: ast.Module, name: str) -> bool:
    """Tell whether a module has that name from where the door is watched."""
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "accounts.services.watching"
        and any(alias.name == name for alias in node.names)
        for node in ast.walk(tree)
    )


def _logger_of(tree: ast.Module) -> str:
    """Return the logger that a module names, where it is not called as the module is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "structlog.get_logger" and node.args:
            return str(node.args[0].value) if isinstance(node.args[0], ast.Constant) else ""
    return ""
