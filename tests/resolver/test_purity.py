# SPDX-License-Identifier: Apache-2.0
"""The planner and the modules that it uses have no clock, no randomness and no I/O."""

from __future__ import annotations

from pathlib import Path

import pytest

import stream.resolver
from tests.support.purity import impurities

HERE = Path(stream.resolver.__file__).parent
PURE = ("api_replies", "lookup_results", "lookups", "planner", "rate_limits", "shop_orders")
ALLOWED = {
    "__future__",
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "heapq",
    "itertools",
    "orjson",
    "pydantic",
    "re",
    "schemas",
    "stream.engine.model.calendar",
    *(f"stream.resolver.{name}" for name in PURE),
    "typing",
}


@pytest.mark.parametrize("name", PURE)
def test_the_planner_and_what_it_stands_on_are_pure(name: str) -> None:
    source = (HERE / f"{name}.py").read_text("utf-8")
    assert list(impurities(source, ALLOWED)) == []
