from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from core.admin import finding
from core.admin.finding import LongPaginator, find_whole
from core.models import Delivery
from core.tests.factories import make_delivery
from core.tests.plans import visits

HANDLERS = {"handler": {"done_at": None}, "event": {}}


@pytest.mark.django_db
class TestLongPaginator:
    def test_counts_what_there_is(self) -> None:
        for _ in range(3):
            make_delivery()

        pages = LongPaginator(Delivery.objects.order_by("pk"), 2)

        assert (pages.count, f"{pages.count}", pages.num_pages) == (3, "3", 2)

    def test_ends_counting_where_nobody_reads_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(finding, "MOST", 4)
        for _ in range(40):
            make_delivery()

        pages = LongPaginator(Delivery.objects.order_by("pk"), 2)
        with visits() as seen:
            count = pages.count

        assert (count, str(count), pages.num_pages) == (4, "more than 4", 2)
        assert sum(visit.rows for visit in seen) < 20


@pytest.mark.django_db
class TestFindWhole:
    def test_finds_what_is_named_and_for_which_the_rest_holds(self, django_assert_num_queries: object) -> None:
        found = make_delivery("A.HANDLER")
        make_delivery("a.handler.too")
        make_delivery("A.HANDLER", done_at=found.due_at)

        assert find_whole(Delivery, HANDLERS, "A.HANDLER") == [found.pk]
        assert find_whole(Delivery, HANDLERS, "a.handler") == [found.pk]
        assert find_whole(Delivery, HANDLERS, "a.hand") == []

    def test_takes_an_id_for_an_id_alone(self) -> None:
        found = make_delivery()

        assert find_whole(Delivery, HANDLERS, str(found.event_id)) == [found.pk]
        assert find_whole(Group, {"pk": {}}, "no number") == []

    def test_takes_what_many_have_for_no_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(finding, "_MOST_OF_ONE", 2)
        for _ in range(3):
            make_delivery("a")

        assert find_whole(Delivery, HANDLERS, "a") == []
