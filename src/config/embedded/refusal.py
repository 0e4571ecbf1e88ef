"""How a start is refused."""

from __future__ import annotations


class Refusal(Exception):
    """Why the shop cannot start, in one line for the person at the terminal."""
