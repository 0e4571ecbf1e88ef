"""Benchmarks follow the code that they measure: mypy reads ``src`` alone, and the long ones are seldom run."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest

import bench


@pytest.mark.parametrize("name", [found.name for found in pkgutil.walk_packages(bench.__path__, "bench.")])
def test_every_module_loads(name: str) -> None:
    import_module(name)
