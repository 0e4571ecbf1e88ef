"""Spans of a trace, and how it goes on elsewhere: nothing, until ``config.seeing`` says who keeps them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Tracer(Protocol):
    """Makes spans."""

    def span(self, name: str, parent: str, facts: dict[str, str]) -> AbstractContextManager[object]:
        """Return a span that lasts as long as the block; below ``parent``, or else below what runs."""

    def here(self) -> str:
        """Name the span that runs as ``traceparent`` (W3C Trace Context, section 3.2); empty where there is none."""


_tracer: Tracer | None = None
_NOTHING = nullcontext()


def keep_in(tracer: Tracer | None) -> None:
    """Make spans there from now on, in this process; ``None``: nowhere."""
    global _tracer  # noqa: PLW0603 - set once, at the start
    _tracer = tracer


def is_on() -> bool:
    """Tell whether anybody keeps spans."""
    return _tracer is not None


def here() -> str:
    """Return the ``traceparent`` of what runs, by which others go on with the trace; empty where there is none."""
    return "" if _tracer is None else _tracer.here()


def span(name: str, *, parent: str = "", **facts: str) -> AbstractContextManager[object]:
    """Return a span that lasts as long as the block.

    :param parent: a ``traceparent`` that it goes on from; without one, it is part of what runs
    :param facts: ids and names, never personal data
    """
    return _NOTHING if _tracer is None else _tracer.span(name, parent, facts)
