from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from core import money
from core.errors import DomainError
from orders.selectors import rehearse_promotion


class Command(BaseCommand):
    help = "Try a promotion, active or not, on the newest orders: what it would have cost. Changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("promotion", type=UUID)
        parser.add_argument("--last", type=int, default=10_000, help="how many orders (10000)")

    def handle(self, *, promotion: UUID, last: int, **_: Any) -> None:
        try:
            with tqdm(unit=" orders", total=last, mininterval=0.5) as bar:
                found = rehearse_promotion(promotion_id=promotion, last=last, progress=bar.update)
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{found.orders} orders, {found.uses} uses")
        for currency, minor in sorted(found.cost.items()):
            self.stdout.write(f"cost {money.to_text(minor, currency)} {currency}")
        for name, orders in found.clashes.most_common():
            self.stdout.write(f"{orders} would have lost {name}")
