"""How values stand in Redis."""

from __future__ import annotations

from typing import Any

import orjson


class JsonSerializer:
    """Values as JSON. Django's own is pickle, by which whoever writes into Redis has code run here (CWE-502)."""

    def dumps(self, value: Any) -> int | bytes:
        """:raises TypeError: it is none that JSON knows"""
        # Redis counts with whole numbers by itself.
        return value if type(value) is int else orjson.dumps(value)

    def loads(self, data: bytes) -> Any:
        """:raises ValueError: it is no JSON"""
        return orjson.loads(data)
