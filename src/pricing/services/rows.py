"""What the writes of this app share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import IntegrityError

from core.batching import send_batch
from core.errors import DomainError


@contextmanager
def refused_when_taken(refusals: Mapping[str, DomainError]) -> Iterator[None]:
    """Turn the database's veto into the refusal that it means.

    :param refusals: name of a constraint -> what to raise; other errors pass
    """
    try:
        yield
        send_batch()
    except IntegrityError as error:
        constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")
        if constraint in refusals:
            raise refusals[constraint] from error
        raise
