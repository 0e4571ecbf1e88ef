"""The category tree: services and selectors."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from core.errors import DomainError, Malformed
from core.pagination import PageRequest
from products import selectors, services
from products.errors import (
    CategoryCycle,
    CategoryInUse,
    CategorySlugTaken,
    CategoryTooDeep,
    NoSuchCategory,
    UnknownParent,
)
from products.models import Category, ProductDocument
from products.tests.factories import make_category, make_product

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def broken_nodes() -> list[str]:
    """Return the slugs of nodes whose path or ancestors are not what their parents say."""
    rows = {row.pk: row for row in Category.objects.all()}
    broken = []
    for row in rows.values():
        chain, node = [row], row
        while node.parent_id and len(chain) <= len(rows):
            node = rows[node.parent_id]
            chain.insert(0, node)
        right = row.path == "/".join(each.slug for each in chain) and row.ancestor_ids == [each.pk for each in chain]
        broken += [] if right else [row.slug]
    return broken


def shown_category(product: Any) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(ProductDocument.objects.get(product=product).document)["category"]
    return found


def move(slug: str, parent: str | None) -> str:
    try:
        services.update_category(slug=slug, changes={"parent": parent}, at=NOON)
    except DomainError as error:
        return error.code
    finally:
        connections.close_all()
    return "moved"


@pytest.mark.django_db
class TestCreateCategory:
    def test_makes_path_and_ancestors(self) -> None:
        top = services.create_category(name="Lighting", at=NOON)

        node = services.create_category(name="Table lamps", parent=top.slug, at=NOON)

        assert (node.slug, node.path) == ("table-lamps", "lighting/table-lamps")
        assert node.ancestor_ids == [top.pk, node.pk]
        assert broken_nodes() == []

    def test_numbers_a_slug_that_is_taken(self) -> None:
        slugs = [services.create_category(name="Lamps & Co", at=NOON).slug for _ in range(3)]

        assert slugs == ["lamps-co", "lamps-co-2", "lamps-co-3"]

    def test_finds_a_slug_for_a_name_without_letters(self) -> None:
        assert services.create_category(name="灯", at=NOON).slug == "category"

    def test_refuses_a_slug_that_was_asked_for_and_is_taken(self) -> None:
        make_category(slug="lamps")

        with pytest.raises(CategorySlugTaken):
            services.create_category(name="Other", slug="lamps", at=NOON)

        assert Category.objects.count() == 1

    def test_refuses_an_unknown_parent(self) -> None:
        with pytest.raises(UnknownParent):
            services.create_category(name="Lamps", parent="nowhere", at=NOON)

        assert not Category.objects.exists()

    def test_refuses_a_path_that_cannot_be_indexed(self) -> None:
        deep = make_category(slug="deep")
        deep.path = "x" * 1_995
        deep.save()

        with pytest.raises(CategoryTooDeep):
            services.create_category(name="Lamps", parent="deep", at=NOON)

        assert Category.objects.count() == 1


@pytest.mark.django_db
class TestUpdateCategory:
    def test_moves_a_branch_with_all_below_it(self) -> None:
        old, new = make_category("Old", slug="old"), make_category("New", slug="new")
        node = make_category("Node", slug="node", parent=old)
        leaf = make_category("Leaf", slug="leaf", parent=node)

        services.update_category(slug="node", changes={"parent": "new"}, at=NOON)

        leaf.refresh_from_db()
        assert leaf.path == "new/node/leaf"
        assert leaf.ancestor_ids == [new.pk, node.pk, leaf.pk]
        assert broken_nodes() == []

    def test_moves_a_branch_to_the_top(self) -> None:
        node = make_category("Node", slug="node", parent=make_category("Old", slug="old"))
        make_category("Leaf", slug="leaf", parent=node)

        services.update_category(slug="node", changes={"parent": None}, at=NOON)

        assert set(Category.objects.values_list("path", flat=True)) == {"old", "node", "node/leaf"}
        assert broken_nodes() == []

    def test_lets_the_products_below_follow(self) -> None:
        node = make_category("Node", slug="node", parent=make_category("Old", slug="old"))
        product = make_product(category=make_category("Leaf", slug="leaf", parent=node))
        new = make_category("New", slug="new")

        services.update_category(slug="node", changes={"parent": "new", "slug": "knot"}, at=NOON)

        assert shown_category(product)["path"] == "new/knot/leaf"
        assert new.pk in ProductDocument.objects.get(product=product).category_ids

    def test_shows_a_new_name_in_products(self) -> None:
        node = make_category("Node", slug="node")
        product = make_product(category=node)

        services.update_category(slug="node", changes={"name": "Knot"}, at=NOON)

        assert shown_category(product) == {"id": str(node.pk), "name": "Knot", "slug": "node", "path": "node"}

    @pytest.mark.parametrize("parent", ["node", "leaf"])
    def test_refuses_to_put_a_category_below_itself(self, parent: str) -> None:
        make_category("Leaf", slug="leaf", parent=make_category("Node", slug="node"))

        with pytest.raises(CategoryCycle):
            services.update_category(slug="node", changes={"parent": parent, "name": "Knot"}, at=NOON)

        assert broken_nodes() == []
        assert Category.objects.get(slug="node").name == "Node"

    def test_refuses_a_slug_of_another(self) -> None:
        make_category(slug="one"), make_category(slug="two")

        with pytest.raises(CategorySlugTaken):
            services.update_category(slug="one", changes={"slug": "two"}, at=NOON)

        assert broken_nodes() == []

    def test_refuses_a_move_that_makes_a_path_too_long(self) -> None:
        deep = make_category(slug="d" * 50)
        deep.path = "x" * 1_995
        deep.save()
        make_category(slug="leaf", parent=make_category(slug="node"))

        with pytest.raises(CategoryTooDeep):
            services.update_category(slug="node", changes={"parent": deep.slug}, at=NOON)

        assert Category.objects.get(slug="leaf").path == "node/leaf"

    def test_refuses_unknown_ones(self) -> None:
        make_category(slug="node")

        with pytest.raises(NoSuchCategory):
            services.update_category(slug="nowhere\0", changes={"name": "x"}, at=NOON)
        with pytest.raises(UnknownParent):
            services.update_category(slug="node", changes={"parent": "nowhere"}, at=NOON)

    def test_costs_the_same_for_a_large_branch(self) -> None:
        make_category(slug="new")
        small, large = make_category(slug="small"), make_category(slug="large")
        make_category(slug="leaf", parent=small)
        for number in range(30):
            make_category(slug=f"leaf-{number}", parent=large)

        costs = []
        for slug in ("small", "large"):
            with CaptureQueriesContext(connection) as statements:
                services.update_category(slug=slug, changes={"parent": "new"}, at=NOON)
            costs.append(len(statements))

        assert costs[0] == costs[1] <= 14

    def test_locks_the_tree_before_it_reads(self) -> None:
        make_category(slug="node")

        with CaptureQueriesContext(connection) as statements:
            services.update_category(slug="node", changes={"position": 3}, at=NOON)

        made = [query["sql"] for query in statements if "SAVEPOINT" not in query["sql"]]
        assert "pg_advisory_xact_lock" in made[0]
        assert made[1].index("ORDER BY") < made[1].index("FOR UPDATE")
        assert made[-1].startswith("UPDATE")


@pytest.mark.django_db(transaction=True)
class TestMovesAtOnce:
    def test_two_opposite_moves_do_not_close_a_circle(self) -> None:
        for _ in range(10):
            Category.objects.update(parent=None)
            Category.objects.all().delete()
            make_category(slug="a")
            make_category(slug="b")

            with ThreadPoolExecutor(max_workers=2) as staff:
                outcomes = sorted(staff.map(move, ["a", "b"], ["b", "a"]))

            assert outcomes == ["moved", "products.category_cycle"]
            assert broken_nodes() == []

    def test_many_moves_leave_a_tree(self) -> None:
        slugs = [f"n{number}" for number in range(8)]
        for slug in slugs:
            make_category(slug=slug)
        dice = random.Random(7)
        moves = [(dice.choice(slugs), dice.choice([*slugs, None])) for _ in range(60)]

        with ThreadPoolExecutor(max_workers=4) as staff:
            outcomes = set(staff.map(move, *zip(*moves, strict=True)))

        assert outcomes <= {"moved", "products.category_cycle"}
        assert broken_nodes() == []


@pytest.mark.django_db
class TestDeleteCategory:
    def test_removes_an_empty_one(self) -> None:
        make_category(slug="node")

        services.delete_category(slug="node")

        assert not Category.objects.exists()

    def test_refuses_one_with_products_deleted_ones_too(self) -> None:
        product = make_product(category=make_category(slug="node"))
        product.deleted_at = NOON
        product.save()

        with pytest.raises(CategoryInUse) as refusal:
            services.delete_category(slug="node")

        assert refusal.value.facts == {"children": 0, "products": 1}
        assert Category.objects.filter(slug="node").exists()

    def test_refuses_one_with_categories_below(self) -> None:
        make_category(parent=make_category(slug="node"))

        with pytest.raises(CategoryInUse):
            services.delete_category(slug="node")

        assert Category.objects.count() == 2


@pytest.mark.django_db
class TestPageOfCategories:
    def make_tree(self) -> None:
        lights = make_category("Lights", slug="lights", position=1)
        make_category("Chairs", slug="chairs", position=0)
        table = make_category("Table", slug="table", parent=lights, position=1)
        make_category("Floor", slug="floor", parent=lights, position=0)
        make_category("Desk", slug="desk", parent=table)

    def test_lists_all_by_path(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        self.make_tree()

        with django_assert_num_queries(1):
            page = selectors.page_of_categories(page=PageRequest())

        assert [row.path for row in page.rows] == [
            "chairs",
            "lights",
            "lights/floor",
            "lights/table",
            "lights/table/desk",
        ]
        assert page.rows[1].child_slugs == ["floor", "table"]
        assert page.rows[4].parent_slug == "table"

    @pytest.mark.parametrize(
        ("parent", "levels", "expected"),
        [
            (None, 1, ["chairs", "lights"]),
            (None, 2, ["chairs", "lights", "floor", "table"]),
            ("lights", None, ["floor", "table"]),
            ("lights", 2, ["floor", "table", "desk"]),
        ],
    )
    def test_lists_so_many_levels(self, parent: str | None, levels: int | None, expected: list[str]) -> None:
        self.make_tree()

        page = selectors.page_of_categories(page=PageRequest(), parent=parent, levels=levels)

        assert [row.slug for row in page.rows] == expected

    def test_nests_a_tree_in_the_order_of_positions(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        self.make_tree()

        with django_assert_num_queries(2):
            page = selectors.page_of_categories(page=PageRequest(), as_tree=True)

        chairs, lights = page.rows
        assert (chairs.slug, chairs.branches) == ("chairs", [])
        assert [branch.slug for branch in lights.branches] == ["floor", "table"]
        assert [branch.slug for branch in lights.branches[1].branches] == ["desk"]

    def test_nests_only_so_many_levels(self) -> None:
        self.make_tree()

        page = selectors.page_of_categories(page=PageRequest(), as_tree=True, levels=2)

        assert page.rows[1].branches[1].branches == []

    def test_refuses_an_unknown_parent(self) -> None:
        with pytest.raises(Malformed):
            selectors.page_of_categories(page=PageRequest(), parent="nowhere")
