"""The pages of the documentation, taken apart into what can be compared with the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"


def section(page: str, title: str) -> str:
    """Return what stands below a title of ``docs/<page>``, as far as the next title."""
    text = (ROOT / "docs" / page).read_text()
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"docs/{page} has no section {title!r}"
    return found[1]


def table(page: str, title: str, *, first: str) -> list[list[str]]:
    """Return the cells of the rows of the table in a section whose first column is headed so."""
    lines = iter(section(page, title).splitlines())
    assert any(line.startswith(f"| {first} |") for line in lines), f"{page}, {title}: no table of {first!r}"
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip().strip("|").split("|")])
    return rows


def codes(text: str) -> list[str]:
    """Return what stands as code in a text."""
    return re.findall(r"`([^`]+)`", text)


def numbers(text: str) -> list[float]:
    """Return the numbers of a text: ``10,000`` is ten thousand; those within words and codes are none."""
    return [float(found.replace(",", "")) for found in re.findall(r"(?<![\w.,`-])\d[\d,]*(?:\.\d+)?(?![\w`])", text)]


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Return each module of the shop by its name, as it is written; of tests, migrations and the sandbox none."""
    for path in sorted(SRC.rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        if not {"tests", "migrations"} & set(parts) and parts[0] != "sandbox":
            yield ".".join(parts).removesuffix(".__init__"), ast.parse(path.read_text())
