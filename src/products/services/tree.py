"""Turns at the shape of the category tree. They come before any row: who waits for one holds none yet."""

from __future__ import annotations

from django.db import connection

from core.transactions import step


@step
def lock_tree() -> None:
    """Be alone in changing the tree, with no product on its way from one category to another, till the commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('products_category'))")


@step
def share_tree() -> None:
    """Keep the tree as it is till the commit. Any number may at once; before stock and products are locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtext('products_category'))")


@step
def grow_tree() -> None:
    """Be alone in adding categories till the commit; those that are there stay as they are (``share_tree``)."""
    share_tree()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('products_category_added'))")
