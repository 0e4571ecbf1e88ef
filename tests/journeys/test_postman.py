"""The journeys from registering to goods that came back, as the documentation gives them to others to run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.runtime.shop import ROOT, Shop, temporary_folder

pytestmark = pytest.mark.runtime

COLLECTION = ROOT / "docs" / "api" / "postman_collection.json"
NODE_MODULES = ROOT / "node_modules" / ".bin"
SECONDS = 300.0


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """A shop as a newcomer runs it."""
    with temporary_folder() as folder:
        shop = Shop(folder / "shop", command=(sys.executable, "src/manage.py", "run"))
        try:
            yield shop.start()
        finally:
            shop.end()


def run(*command: str, shop: Shop) -> str:
    """Run it against the shop; return what it said.

    :raises AssertionError: it failed
    """
    done = subprocess.run(
        command, cwd=ROOT, env=shop.variables, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{shop.said()}"
    return done.stdout


class TestPostmanCollection:
    @pytest.mark.parametrize(
        ("folder", "last"),
        [("Register to order", "A stranger sees no order"), ("Pay to return", "The order says what came back")],
    )
    def test_runs_each_of_its_journeys(self, shop: Shop, folder: str, last: str) -> None:
        newman = shutil.which("newman", path=os.pathsep.join([str(NODE_MODULES), os.environ.get("PATH", "")]))
        if newman is None:
            pytest.skip("newman is not installed")
        admin = json.loads((shop.data / "sign-ins.json").read_text())["admin"]
        told = {
            "base_url": f"http://127.0.0.1:{shop.port}",
            "admin_email": admin["email"],
            "admin_password": admin["password"],
        }

        words = [word for name, value in told.items() for word in ("--env-var", f"{name}={value}")]
        said = run(newman, "run", str(COLLECTION), "--folder", folder, "--bail", *words, shop=shop)

        assert last in said
        assert shop.manage("verify_books") == "The books agree."


class TestScript:
    def test_goes_from_registering_to_goods_that_came_back(self, shop: Shop) -> None:
        missing = [name for name in ("bash", "curl", "python3") if shutil.which(name) is None]
        if missing:
            pytest.skip(f"{', '.join(missing)} is not installed")

        said = run("bash", "scripts/test_api.sh", shop=shop)

        assert "The journey is complete." in said
        assert shop.manage("verify_books") == "The books agree."


class TestReadme:
    def test_its_first_order_works_when_pasted(self, shop: Shop) -> None:
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        block = re.search(r"```sh\n(.+?)```", (ROOT / "README.md").read_text(), re.DOTALL)
        assert block

        said = run("bash", "-euo", "pipefail", "-c", block[1].replace(":8000", f":{shop.port}"), shop=shop)

        assert '"number": "N-' in said
        assert said.strip().splitlines()[-1] == "pending"
