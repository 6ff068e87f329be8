"""What decides keeps no clock, draws no lots and does no I/O."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import stream.resolver

HERE = Path(stream.resolver.__file__).parent
PURE = ("asks", "lanes", "outcomes", "planner", "replies")
ALLOWED = {
    "__future__",
    "collections",
    "dataclasses",
    "enum",
    "heapq",
    "itertools",
    "orjson",
    "pydantic",
    "schemas",
    "stream",
    "typing",
}
ALLOWED_OF_OURS = ("stream.engine.calendar", *(f"stream.resolver.{name}" for name in PURE))
ASYNC = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)


@pytest.mark.parametrize("name", PURE)
def test_the_planner_and_what_it_stands_on_are_pure(name: str) -> None:
    for node in ast.walk(ast.parse((HERE / f"{name}.py").read_text("utf-8"))):
        assert not isinstance(node, ASYNC)
        modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        for module in modules:
            assert module.partition(".")[0] in ALLOWED
            assert not module.startswith("stream.") or module in ALLOWED_OF_OURS
