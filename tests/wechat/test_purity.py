"""The one rule of stream/wechat: no I/O, no clock, no randomness, no async."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import stream.wechat

WECHAT = Path(stream.wechat.__file__).parent
MODULES = sorted(WECHAT.rglob("*.py"))

#: Values, containers, parsers and cryptography; the contracts.
ALLOWED = {
    "__future__",
    "base64",
    "binascii",
    "collections",
    "cryptography",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "hashlib",
    "hmac",
    "itertools",
    "json",
    "operator",
    "orjson",
    "pydantic",
    "re",
    "schemas",
    "struct",
    "types",
    "typing",
    "xml",
}
ALLOWED_PACKAGES = ("stream.wechat", "stream.engine")
FORBIDDEN_CALLS = {"open", "print", "input", "exec", "eval", "__import__", "hash", "id"}
FORBIDDEN_METHODS = {"now", "utcnow", "today", "time_ns", "fromtimestamp", "urandom"}
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
    inside = any(module == p or module.startswith(f"{p}.") for p in ALLOWED_PACKAGES)
    return inside or module.partition(".")[0] in ALLOWED


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(WECHAT)))
def test_a_module_is_pure(module: Path) -> None:
    assert list(impurities(module.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import asyncio",
        "import time",
        "import secrets",
        "import os.path",
        "import logging",
        "import aiohttp",
        "from stream.tables import base",
        "from . import keys",
        "async def hear(): ...",
        "open('key.pem')",
        "datetime.now()",
    ],
)
def test_the_guard_sees(source: str) -> None:
    assert list(impurities(source)) != []


def test_every_module_has_its_test() -> None:
    tests = Path(__file__).parent
    for module in MODULES:
        if module.stem not in ("__init__", "heard"):
            assert (tests / module.relative_to(WECHAT)).with_name(f"test_{module.name}").exists()
