"""Lists and facts as staff type them: one per line, ``Name: value``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError


def options_text(options: Sequence[Mapping[str, Any]]) -> str:
    """Return ``[{"name": "Size", "values": ["S", "M"]}]`` as ``Size: S, M``, a line each."""
    return "\n".join(f"{option['name']}: {', '.join(map(str, option['values']))}" for option in options)


def read_options(text: str) -> list[dict[str, Any]]:
    """Return what ``options_text`` made a text of.

    :raises ValidationError: a line is not of that form
    """
    found = [{"name": name, "values": list_of(values)} for name, values in read_facts(text, between="\n").items()]
    if any(not option["values"] for option in found):
        raise ValidationError("Each option needs at least one value: Size: S, M")
    return found


def facts_text(facts: Mapping[str, Any], *, between: str = "\n") -> str:
    """Return ``{"Size": "S"}`` as ``Size: S``."""
    return between.join(f"{name}: {value}" for name, value in facts.items())


def read_facts(text: str, *, between: str) -> dict[str, str]:
    """Return what ``facts_text`` made a text of.

    :raises ValidationError: a part has no colon, or a name stands there twice
    """
    found: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in text.split(between))):
        name, colon, value = (piece.strip() for piece in part.partition(":"))
        if not (name and colon and value):
            raise ValidationError(f"“{part[:60]}” is not of the form Name: value.")
        if name in found:
            raise ValidationError(f"{name} stands there twice.")
        found[name] = value
    return found


def list_of(text: str) -> list[str]:
    """Return the items of a comma-separated text, each once."""
    return list(dict.fromkeys(filter(None, (item.strip() for item in text.split(",")))))
