"""What OpenSearch knows of products, and how it comes to know it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from core import outbox
from markets.models import Market
from markets.tests.factories import make_market
from products import selectors, services
from products.domain import searching as questions
from products.engine import NoIndex, engine, opensearch
from products.models import Product
from products.selectors.searching import list_places, name_of
from products.services import indexing
from products.tests.factories import make_product
from products.tests.searching import (
    Counted,
    engine_prefix,
    follow,
    hide,
    indexes,
    names,
    remove_indexes,
    rename,
)

pytestmark = pytest.mark.django_db


class TestTheIndex:
    def test_keeps_what_was_read_later(self, counted: Counted) -> None:
        make_product("Lamp")
        follow()
        (index,) = indexes()
        (place,) = list_places()
        (product,) = Product.objects.all()
        earlier = indexing._read(indexing._OF_PRODUCTS, f"{{{product.pk}}}")
        later = earlier._replace(moment=earlier.moment + 1)

        def write(read: Any, name: str | None) -> list[str]:
            documents = [] if name is None else [(place.market_id, _renamed(read.documents[0][1], name))]
            engine().write(
                indexing._lines(
                    index, place.market_id.replace("-", ""), read._replace(documents=documents), [product.pk]
                )
            )
            engine().refresh(index=index)
            words = ("lamp", "chair", "table")
            return [
                word for word in words
                if engine().find(index=index, query=questions.question_of(word), most=1, seconds=9).total
            ]  # fmt: skip

        assert write(later, "Chair") == ["chair"]
        assert write(earlier, "Table") == ["chair"]
        assert write(later, None) == []
        assert write(earlier, "Table") == []
        assert write(later, "Lamp") == ["lamp"]  # as often as it comes

    def test_of_a_moment_has_a_number_that_grows_with_what_is_seen(self) -> None:
        moments = ["5:5:", "5:9:5,7", "5:9:5", "7:9:", "7:10:7,9", "9:10:9", "10:10:"]

        numbers = [indexing._number(each) for each in moments]

        assert numbers == sorted(set(numbers))

    @pytest.mark.django_db(transaction=True)
    def test_reads_a_later_moment_after_each_commit(self) -> None:
        product = make_product("Lamp")
        numbers = []
        for number in range(3):
            rename(product, f"Lamp {number}")
            numbers.append(indexing._read(indexing._OF_PRODUCTS, f"{{{product.pk}}}").moment)

        assert numbers == sorted(set(numbers))

    def test_is_filled_anew_while_the_old_one_answers(self, client: Client, counted: Counted) -> None:
        for number in range(3):
            make_product(f"Lamp {number}")
        follow()
        before = set(indexes())
        seen: list[tuple[list[str], int]] = []

        out = StringIO()
        call_command("index_search", stdout=out)
        seen.append((names(client), len(indexes())))

        assert seen == [(["Lamp 2", "Lamp 1", "Lamp 0"], 1)]
        assert "3 documents, asked from now on." in out.getvalue()
        assert not before & set(indexes())
        assert counted.answered() == "opensearch"

    def test_loses_no_change_while_it_is_filled(
        self, client: Client, counted: Counted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(indexing, "_OF_MARKET", indexing._OF_MARKET.replace("LIMIT 500", "LIMIT 1"))
        made = sorted((make_product(f"Lamp {number}") for number in range(3)), key=lambda each: each.pk)
        follow()
        changes: list[Callable[[], object]] = [
            lambda: rename(made[0], "Chair"),  # written already
            lambda: rename(made[2], "Table"),  # still to be written
            lambda: hide(made[1]),
        ]

        def change(_: int) -> None:
            changes.pop(0)()
            outbox.drain()

        (place,) = list_places()
        services.rebuild_index(place=place, at=timezone.now(), progress=change)

        assert changes == []
        assert (names(client), names(client, "chair"), names(client, "table")) == ([], ["Chair"], ["Table"])
        assert len(indexes()) == 1

    def test_that_is_not_whole_is_not_asked(self, client: Client, counted: Counted) -> None:
        make_product("Lamp")
        (place,) = list_places()
        name = name_of(place)
        began = int(timezone.now().timestamp() * 1000)
        engine().create(index=f"{name}-{began:x}", made=questions.index_for("en"), also=f"{name}-{began:x}.w")
        outbox.drain()

        assert names(client) == ["Lamp"]
        assert counted.answered() == "postgresql"
        assert services.fill_missing(at=timezone.now()) == []  # somebody fills it
        assert selectors.search_state() == "filling"
        assert len(services.fill_missing(at=timezone.now() + timedelta(hours=7))) == 1
        assert selectors.search_state() == "ok"
        assert names(client) == ["Lamp"]
        assert counted.answered() == "opensearch"

    def test_of_a_market_follows_its_language_and_goes_with_it(self, client: Client, counted: Counted) -> None:
        make_product("Lamps for gardens")
        follow()
        Market.objects.update(language="de")
        other = make_market("fr", currency="EUR", countries=[])
        by_old_words = names(client, "garden")

        follow()
        both = len(indexes())
        Market.objects.filter(pk=other.pk).update(is_active=False)
        follow()

        assert by_old_words == ["Lamps for gardens"]
        assert (both, len(indexes())) == (2, 1)
        assert all(name_of(place) in names_ for place, names_ in zip(list_places(), indexes().values(), strict=True))

    def test_that_was_removed_is_not_made_by_who_did_not_hear_of_it(self, counted: Counted) -> None:
        product = make_product("Lamp")
        follow()
        (index,) = indexes()
        (place,) = list_places()
        read = indexing._read(indexing._OF_PRODUCTS, f"{{{product.pk}}}")
        lines = list(indexing._lines(index, place.market_id.replace("-", ""), read, [product.pk]))
        remove_indexes()

        with pytest.raises(NoIndex):
            engine().write(lines)

        assert indexes() == {}

    def test_of_others_stays_where_its_name_begins_like_ours(self, client: Client, counted: Counted) -> None:
        theirs = f"{engine_prefix()}-logs"
        engine().create(index=theirs, made={}, also=f"{theirs}-now")
        make_product("Lamp")

        follow()
        call_command("index_search")

        assert theirs in indexes()
        assert names(client) == ["Lamp"]

    def test_is_written_in_requests_that_a_server_takes(
        self, client: Client, counted: Counted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(opensearch, "_ENOUGH_BYTES", 200)
        for number in range(3):
            make_product(f"Lamp {number}", description="x" * 150)
        sent: list[int] = []
        write = opensearch.OpenSearch._write

        def note(self: opensearch.OpenSearch, body: str) -> None:
            sent.append(body.count("\n"))
            write(self, body)

        monkeypatch.setattr(opensearch.OpenSearch, "_write", note)

        follow()

        assert set(sent) == {2}
        assert len(names(client)) == 3

    def test_needs_an_address_to_be_filled(self) -> None:
        with pytest.raises(CommandError, match="SEARCH_URL"):
            call_command("index_search")


def _renamed(document: questions.Searchable, name: str) -> questions.Searchable:
    return questions.Searchable(product_id=document.product_id, name=name, labels=(), skus=(), description="")
