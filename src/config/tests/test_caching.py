from __future__ import annotations

import pickle
from collections.abc import Iterator

import orjson
import pytest
import redis
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.test.utils import override_settings

from config.settings.base import redis_cache


@pytest.fixture
def cache(redis_url: str) -> Iterator[BaseCache]:
    with override_settings(CACHES={"default": redis_cache(redis_url)}):
        yield caches["default"]


class TestJsonSerializer:
    @pytest.mark.parametrize("value", [7, True, None, "text", 1.5, [1, "two"], {"name": ["content"]}])
    def test_gives_back_what_was_put_in(self, cache: BaseCache, value: object) -> None:
        cache.set("kept", value)

        found = cache.get("kept", "nothing")

        assert (found, type(found)) == (value, type(value))

    def test_counts(self, cache: BaseCache) -> None:
        cache.set("count", 1)

        assert (cache.incr("count"), cache.get("count")) == (2, 2)

    def test_runs_nothing_that_stands_in_redis(self, cache: BaseCache, redis_url: str) -> None:
        redis.Redis.from_url(redis_url).set(":1:planted", pickle.dumps({"run": "me"}))

        with pytest.raises(orjson.JSONDecodeError):
            cache.get("planted")

    def test_takes_nothing_that_would_need_more(self, cache: BaseCache) -> None:
        with pytest.raises(TypeError):
            cache.set("kept", object())
