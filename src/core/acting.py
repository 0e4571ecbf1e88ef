"""Who of the staff acts, while a request of theirs is answered: said by the edges, noted by ``core.auditing``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from django.http import HttpRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Someone of the staff, and the request that they act by."""

    user_id: UUID
    via: str
    request_id: str
    path: str


_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def acting() -> Actor | None:
    """Return who acts, or ``None`` where it is nobody of the staff."""
    return _actor.get()


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Let every command within be noted as this person's."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def actor_of(request: HttpRequest, user_id: UUID, *, via: str) -> Actor:
    """Return who of the staff acts by this request."""
    return Actor(
        user_id=user_id, via=via, request_id=getattr(request, "request_id", ""), path=f"{request.method} {request.path}"
    )
