"""Fill the search engine's indexes anew, while the shop goes on."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from products import services
from products.engine import EngineAway, NoIndex, Refused


class Command(BaseCommand):
    """``manage.py index_search [--missing]``."""

    help = "Fill the indexes of all markets anew, and have each asked when it is whole."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--missing", action="store_true", help="only those that are not there")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SEARCH_URL:
            raise CommandError("SEARCH_URL names no search engine.")
        try:
            if options["missing"]:
                self.stdout.write(f"{len(services.fill_missing(at=timezone.now()))} indexes were missing.")
                return
            for place in services.list_indexable():
                self._fill(place)
        except (EngineAway, NoIndex, Refused) as error:
            raise CommandError(f"The search engine did not take it: {type(error).__name__} {error}") from error

    def _fill(self, place: Any) -> None:
        written = 0

        def tell(count: int) -> None:
            nonlocal written
            written += count
            if written % 10_000 < count:
                self.stdout.write(f"{place.market_id} {place.language}: {written}")

        count = services.rebuild_index(place=place, at=timezone.now(), progress=tell)
        self.stdout.write(f"{place.market_id} {place.language}: {count} documents, asked from now on.")
