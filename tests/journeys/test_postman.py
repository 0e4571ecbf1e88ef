"""The journey from registering to a cancelled order, as the documentation gives it to others to run."""

from __future__ import annotations

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
    def test_registers_orders_and_cancels(self, shop: Shop) -> None:
        newman = shutil.which("newman", path=os.pathsep.join([str(NODE_MODULES), os.environ.get("PATH", "")]))
        if newman is None:
            pytest.skip("newman is not installed")
        base = f"base_url=http://127.0.0.1:{shop.port}"

        said = run(
            *(newman, "run", str(COLLECTION), "--folder", "Register to order", "--env-var", base, "--bail"), shop=shop
        )

        assert "A stranger sees no order" in said
        assert shop.manage("verify_books") == "The books agree."


class TestScript:
    def test_registers_orders_and_cancels(self, shop: Shop) -> None:
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
