from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from inventory.tests.factories import make_stock
from tests.disaster.buyers import Buyers
from tests.runtime.shop import Shop, copy_of, free_port, temporary_folder, wait_for

RUN = (sys.executable, "src/manage.py", "run")


@pytest.fixture
def make_buyers(transactional_db: None, settings: Any) -> Callable[[int], Buyers]:
    """Return what lets so many guests in, who may order as often as they like."""
    settings.THROTTLES = False

    def make(at_once: int) -> Buyers:
        return Buyers(make_stock(on_hand=1_000_000), at_once=at_once)

    return make


@pytest.fixture(scope="session")
def opened() -> Iterator[Path]:
    """The data folder of a demo shop that was started once and stopped."""
    with temporary_folder() as folder:
        shop = Shop(folder / "first", command=RUN)
        try:
            shop.start()
            assert shop.stop() == 0
            yield shop.data
        finally:
            shop.end()


@pytest.fixture
def make_shop(opened: Path) -> Iterator[Callable[..., Shop]]:
    """Return what makes a shop of a copy of that folder; it takes variables of the environment."""
    shops: list[Shop] = []
    with temporary_folder() as folder:

        def make(name: str = "shop", **environment: str) -> Shop:
            environment = {"THROTTLES": "off", "WEB_WORKERS": "2"} | environment
            shops.append(Shop(copy_of(opened, folder / name), command=RUN, environment=environment))
            return shops[-1]

        yield make
        for shop in shops:
            shop.end()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that speaks S3, with a bucket."""
    port = free_port()
    program = Path(sys.executable).with_name("moto_server")
    log = (tmp_path_factory.mktemp("s3") / "log").open("wb")
    process = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log)
    try:
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="eu-west-1",
            aws_access_key_id="k",
            aws_secret_access_key="s",
        )

        def is_there() -> bool:
            try:
                client.create_bucket(Bucket="backups", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
            except (BotoCoreError, ClientError):
                return False
            return True

        wait_for(is_there, 120)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        log.close()
