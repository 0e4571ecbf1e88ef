from __future__ import annotations


class DoesNotBalance(ValueError):
    """The postings of an entry do not add up to nothing: a defect of the caller."""
