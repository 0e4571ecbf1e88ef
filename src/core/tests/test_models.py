from __future__ import annotations

import pytest
from django.utils import timezone

from core.models import Delivery, OutboxEvent, remember_related


def make_owed(name: str) -> Delivery:
    event = OutboxEvent.objects.create(name=name, payload={}, occurred_at=timezone.now())
    delivery: Delivery = Delivery.objects.create(event=event, handler="x", due_at=event.occurred_at)
    return delivery


@pytest.mark.django_db
class TestRememberRelated:
    def test_shows_the_rows_without_a_query_and_asks_for_no_others(self, django_assert_num_queries: object) -> None:
        owed, others = make_owed("a"), make_owed("b")
        event = owed.event

        remember_related(event, deliveries=[owed])

        with django_assert_num_queries(0):  # type: ignore[operator]
            assert list(event.deliveries.all()) == [owed]
        assert list(event.deliveries.order_by("pk")) == [owed]
        assert not event.deliveries.filter(pk=others.pk).exists()
