"""Where the processes of one machine keep what they counted."""

from __future__ import annotations

import shutil

from django.conf import settings


def start_afresh() -> None:
    """Forget what was counted before. Only while no process counts: a fall means a start from nothing."""
    shutil.rmtree(settings.METRICS_FOLDER, ignore_errors=True)
