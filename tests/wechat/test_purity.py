# SPDX-License-Identifier: Apache-2.0
"""The one rule of stream/wechat: no I/O, no clock, no randomness, no async."""

from __future__ import annotations

from pathlib import Path

import pytest

import stream.wechat
from tests.support.purity import impurities

WECHAT = Path(stream.wechat.__file__).parent
MODULES = sorted(WECHAT.rglob("*.py"))

#: Values, containers, parsers and cryptography; the contracts.
ALLOWED = {
    *("__future__", "base64", "binascii", "collections", "copy", "cryptography", "csv"),
    "dataclasses",
    *("datetime", "decimal", "enum", "functools", "hashlib", "hmac", "itertools", "json"),
    *("operator", "orjson", "pydantic", "re", "schemas", "stream.engine", "stream.wechat"),
    *("struct", "types", "typing", "xml"),
}


def impurities_of(source: str) -> list[str]:
    return list(impurities(source, ALLOWED))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(WECHAT)))
def test_a_module_is_pure(module: Path) -> None:
    assert impurities_of(module.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        *("import asyncio", "import time", "import secrets", "import os.path", "import logging"),
        *("import aiohttp", "from stream.tables import base", "from . import keys"),
        *("async def accept(): ...", "open('key.pem')", "datetime.now()"),
    ],
)
def test_the_guard_sees(source: str) -> None:
    assert impurities_of(source) != []


def test_every_module_has_its_test() -> None:
    tests = Path(__file__).parent
    for module in MODULES:
        if module.stem not in ("__init__", "delivery_result"):
            assert (tests / module.relative_to(WECHAT)).with_name(f"test_{module.name}").exists()
