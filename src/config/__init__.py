"""How the shop is put together: settings, addresses, processes, and which fact is followed by which reaction."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
