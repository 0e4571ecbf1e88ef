"""How a backup or a restore is refused."""

from __future__ import annotations

from config.embedded import Refusal


class BackupRefused(Refusal):
    """Why a backup was not made, or not brought back, in words for the operator."""
