"""``manage.py test``: Django's words become pytest's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from config.settings.env import ROOT, SRC

pytestmark = pytest.mark.runtime


def collected(*words: str, cwd: Path = ROOT) -> str:
    command = [sys.executable, str(SRC / "manage.py"), "test", "--collect-only", "-q", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout


class TestLabels:
    @pytest.mark.parametrize("label", ["src/config/tests/test_pytest_runner.py", "config.tests.test_pytest_runner"])
    def test_a_path_and_a_dotted_name_mean_the_same(self, label: str) -> None:
        assert "test_a_path_and_a_dotted_name_mean_the_same" in collected(label)

    def test_a_path_is_seen_from_where_one_stands(self) -> None:
        assert "TestLabels" in collected("config/tests/test_pytest_runner.py", "-v", "1", "--no-input", cwd=SRC)
