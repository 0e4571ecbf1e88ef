"""Rows for a person to read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def show(title: str, rows: Iterable[Sequence[str]]) -> None:
    """Print the rows as a table of Markdown, each as soon as it is known."""
    print(f"\n{title}\n", flush=True)
    for number, row in enumerate(rows):
        print(f"| {' | '.join(row)} |", flush=True)
        if not number:
            print(f"|{' --- |' * len(row)}", flush=True)
