"""How far the backups reach, as the shop is told: no farther than what lies in the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import timezone

from config.backups.following import Follower
from config.backups.keeping import Reach
from config.backups.sealing import Seal
from config.backups.stores import FolderStore
from config.backups.taking import take_base_backup
from config.backups.tools import Database
from core import inspections
from tests.disaster.pair import Node
from tests.runtime.shop import temporary_folder, wait_for

pytestmark = [pytest.mark.runtime, pytest.mark.django_db(transaction=True)]


class Archive:
    """A server, and whoever carries its log into a store."""

    def __init__(self, node: Node, folder: Path) -> None:
        address = {"NAME": "postgres", "USER": "postgres", "HOST": "127.0.0.1", "PORT": str(node.port)}
        self.node, self.database, self.store = node, Database(address), FolderStore(folder / "store")
        spool = folder / "spool"
        self.follower = Follower(database=self.database, store=self.store, seal=Seal(), spool=spool)
        self.reach = Reach(database=self.database, store=self.store, follower=self.follower)

    def back_up(self) -> None:
        now = datetime.now(UTC)
        take_base_backup(database=self.database, store=self.store, seal=Seal(), field_keys={}, at=now)

    def tell(self) -> None:
        self.follower.tick()
        self.reach.tell()


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with temporary_folder() as folder:
        node = Node(folder / "data", folder / "s")
        try:
            node.launch()
            node.wait()
            archive = Archive(node, tmp_path)
            with archive.follower.alone():
                yield archive
        finally:
            node.stop()


def known() -> datetime | None:
    found = inspections.list_inspections()
    return found[0].good_at if found else None


class TestReach:
    def test_is_a_moment_of_which_everything_was_carried(self, archive: Archive) -> None:
        archive.back_up()
        before = timezone.now()

        def is_told() -> bool:
            archive.tell()
            return (known() or before) > before

        wait_for(is_told, 60)
        first = known()
        wait_for(lambda: is_told() and known() != first, 60)

        assert first is not None
        assert first <= timezone.now()

    def test_is_nothing_without_a_base_backup(self, archive: Archive) -> None:
        wait_for(lambda: (archive.tell(), bool(archive.store.names("wal/")))[1], 60)
        archive.reach._mark = (timezone.now(), "0/1")

        archive.tell()

        assert archive.reach._mark[1] != "0/1"
        assert known() is None

    def test_stays_where_it_was_while_the_log_is_not_received(self, archive: Archive) -> None:
        archive.back_up()
        wait_for(lambda: (archive.tell(), bool(archive.store.names("wal/")))[1], 60)
        archive.reach._mark = (timezone.now(), "F/0")

        archive.tell()

        assert archive.reach._mark[1] == "F/0"
