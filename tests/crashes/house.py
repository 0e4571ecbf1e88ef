"""A shop in which stories are told under a watch, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.tests.factories import make_user
from core.models import Delivery
from markets.tests.factories import make_market
from orders.tests.gateway import set_faults
from orders.tests.sellers import make_seller
from tests.crashes.clock import Clock
from tests.crashes.desk import Desk
from tests.crashes.points import Watch, watched
from tests.crashes.stories import STORIES, Story

# As many as a delivery needs that was refused where it hurt most: it waits longer than one that was lost.
MORE_ROUNDS = 6


class House:
    """A shop in which stories are told, one after the other."""

    def __init__(self, clock: Clock) -> None:
        make_market()
        make_seller()
        self.clock, self.clerk = clock, make_user(is_superuser=True, is_staff=True)
        # What is made once in a shop's life is made now.
        set_faults()
        self.tell(STORIES["goods come back and the money goes back"], Watch())

    def desk(self, *, workers_first: bool = False) -> Desk:
        """Return a customer with goods to buy."""
        return Desk(self.clock, self.clerk, workers_first=workers_first)

    def tell(self, story: Story, watch: Watch, *, workers_first: bool = False) -> Mapping[str, Any]:
        """Tell a story under the watch, let the workers finish it, and return what came of it."""
        desk = self.desk(workers_first=workers_first)
        order = story.before(desk)
        with watched(watch):
            story.told(desk, order)
            desk.work()
        # What one round leaves behind is the next one's, and what failed is tried again some rounds later.
        desk.work()
        desk.work()
        for _ in range(MORE_ROUNDS):
            if not Delivery.objects.filter(done_at=None, dead_at=None).exists():
                break
            desk.work()
        outcome = desk.outcome()
        assert watch.struck or outcome["webhooks under way"] == 0
        desk.leave()
        return outcome
