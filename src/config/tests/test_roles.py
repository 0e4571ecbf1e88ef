"""What the processes of containers are started with."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import roles
from config.celery import app
from config.queues import BULK, MAIL, MONEY
from config.settings import processes


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    words: list[str] = []
    monkeypatch.setattr(app, "worker_main", words.extend)
    return words


class TestWorker:
    def test_reads_all_queues(self, started: list[str]) -> None:
        roles.ROLES["worker"]()

        assert not [word for word in started if word.startswith(("-Q", "--queues"))]

    @pytest.mark.parametrize("queues", [[MONEY], [MAIL, BULK]])
    def test_reads_those_that_are_named(
        self, started: list[str], monkeypatch: pytest.MonkeyPatch, queues: list[str]
    ) -> None:
        monkeypatch.setattr(processes, "WORKER_QUEUES", queues)

        roles.ROLES["worker"]()

        assert [word for word in started if word.startswith("--queues")] == [f"--queues={','.join(queues)}"]

    def test_reads_none_that_nothing_is_put_into(self, started: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(processes, "WORKER_QUEUES", [MONEY, "nexus.mony"])

        with pytest.raises(ImproperlyConfigured, match=r"WORKER_QUEUES: nexus\.mony: there are"):
            roles.ROLES["worker"]()
        assert started == []
