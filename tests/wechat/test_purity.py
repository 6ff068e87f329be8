"""The one rule of stream/wechat: no I/O, no clock, no randomness, no async."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import stream.wechat

WECHAT = Path(stream.wechat.__file__).parent
MODULES = sorted(WECHAT.rglob("*.py"))

FORBIDDEN_MODULES = {
    *("asyncio", "logging", "os", "pathlib", "random", "secrets", "socket", "time", "uuid"),
    *("aiohttp", "aiokafka", "faust", "redis", "starlette", "uvicorn"),
}
#: Of the rest of the engine room nothing is needed but how ids are made.
ALLOWED_PARTS = ("stream.wechat", "stream.engine.ids")
FORBIDDEN_CALLS = {"open", "print", "input", "exec", "eval", "__import__", "hash", "id"}
FORBIDDEN_METHODS = {"now", "utcnow", "today", "time_ns"}
ASYNC = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)


def impurities(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (f"import {a.name}" for a in node.names if not _is_allowed(a.name))
        elif isinstance(node, ast.ImportFrom):
            if node.level or not _is_allowed(node.module or ""):
                yield f"from {node.module} import"
        elif isinstance(node, ASYNC):
            yield type(node).__name__
        elif isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in FORBIDDEN_CALLS:
                yield f"{called.id}()"
            if isinstance(called, ast.Attribute) and called.attr in FORBIDDEN_METHODS:
                yield f".{called.attr}()"


def _is_allowed(module: str) -> bool:
    if module.split(".")[0] == "stream":
        return any(module == part or module.startswith(f"{part}.") for part in ALLOWED_PARTS)
    return module.split(".")[0] not in FORBIDDEN_MODULES


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(WECHAT)))
def test_a_module_is_pure(module: Path) -> None:
    assert list(impurities(module.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        *("import asyncio", "import time", "import os.path", "import secrets", "from . import x"),
        *("from starlette.requests import Request", "from stream.runtime import publisher"),
        *("async def hear(): ...", "open('apps.yaml')", "datetime.now()", "hash('Mei')"),
    ],
)
def test_the_guard_sees(source: str) -> None:
    assert list(impurities(source)) != []
