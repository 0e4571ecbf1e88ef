"""Our books of a provider beside the provider's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from payments.domain import LIVE
from payments.models import Attempt

_LIVE = {status.value for status in LIVE}
# What our keys begin with: a gateway may have other merchants.
_OURS = "pay-"

#: Our key, the currency, and in minor units what was captured, given back and charged back.
Booked = tuple[str, str, int, int, int]


def compare_books(*, provider: str, theirs: Iterable[Booked]) -> list[str]:
    """Return, in words, where a provider's books and ours do not agree. One query.

    What is still under way differs rightly: an attempt that lives, a refund that was promised and not confirmed.
    """
    columns = ("idempotency_key", "payment__currency", "status", "captured_minor", "refunded_minor")
    rows = Attempt.objects.filter(provider=provider).values_list(*columns, "promised_minor", "disputed_minor")
    ours = {row[0]: row[1:] for row in rows.iterator(chunk_size=5000)}
    found = []
    for key, currency, captured, refunded, disputed in theirs:
        mine = ours.pop(key, None)
        if mine is None:
            if captured and key.startswith(_OURS):
                found.append(f"{provider} captured {captured} {currency} for {key}, which nobody here asked for (I2)")
        elif mine[1] not in _LIVE and not _agree(mine, currency, captured, refunded, disputed):
            found.append(
                f"attempt {key}: {mine[2]} captured, {mine[3]} given back, {mine[5]} charged back in {mine[0]}; "
                f"{provider} says {captured}, {refunded}, {disputed} in {currency} (I2, I5)"
            )
    missing = [(key, row[2]) for key, row in ours.items() if row[2]]
    return found + [
        f"attempt {key}: {taken} captured, of which {provider} knows nothing (I2)" for key, taken in missing
    ]


def _agree(mine: tuple[Any, ...], currency: str, captured: int, refunded: int, disputed: int) -> bool:
    known_currency, _, taken, given_back, promised, charged_back = mine
    return (
        (captured, disputed) == (taken, charged_back)
        and given_back <= refunded <= promised
        and (currency == known_currency or not captured)
    )
