from __future__ import annotations

from core.errors import NotFound


class AddressNotFound(NotFound):
    """There is no such address in this person's book."""

    code = "accounts.address_not_found"
    title = "There is no such address in your book."
