# SPDX-License-Identifier: Apache-2.0
"""The one rule of stream/engine: no I/O, no clock, no randomness, no async."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import stream.engine
from tests.support.purity import impurities

ENGINE = Path(stream.engine.__file__).parent
ROOT = ENGINE.parent.parent
MODULES = sorted(ENGINE.rglob("*.py"))

#: All that the core may import: values, containers and arithmetic, msgspec, numpy, the contracts.
ALLOWED = {
    "__future__", "binascii", "bisect", "collections", "dataclasses", "datetime", "enum",
    "fractions", "functools", "hashlib", "itertools", "msgspec", "numpy", "operator", "schemas",
    "stream.engine", "stream.language", "stream.tables.pieces", "struct", "types", "typing",
}  # fmt: skip


def impurities_of(source: str) -> list[str]:
    return list(impurities(source, ALLOWED))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ENGINE)))
def test_a_module_of_the_core_is_pure(module: Path) -> None:
    assert impurities_of(module.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import asyncio",
        "import time",
        "import random",
        "import os.path",
        "import logging",
        "from redis.asyncio import Redis",
        "import faust",
        "import aiokafka",
        "from stream.tables import base",
        "from . import state",
        "async def decide(): ...",
        "open('rules.yaml')",
        "datetime.now()",
        "date.today()",
        "hash('Mei')",
    ],
)
def test_the_guard_sees(source: str) -> None:
    assert impurities_of(source) != []


def test_every_module_has_its_test() -> None:
    here = Path(__file__).parent
    tests = {path.relative_to(here) for path in here.rglob("test_*.py")}
    modules = [m.relative_to(ENGINE) for m in MODULES if m.stem != "__init__"]
    assert {module.with_name(f"test_{module.name}") for module in modules} <= tests


_STORY = """
import hashlib
from tests.scenarios.story import play
world = play('''
    given 2026-03-01 08:00  Mei@mp pays 40.00 for t1
    given 2026-03-01 08:30  Mei@mp=Li checks in with k1
    given 2026-03-06 10:00  Li enrols as M4
    given 2026-03-05 10:00  Li enrols as M3       [arrives 2026-03-07 10:00]
    given 2026-03-04 10:00  Li enrols as M2       [arrives 2026-03-08 10:00]
    given 2026-03-03 10:00  Li enrols as M1       [arrives 2026-03-09 10:00]
    given 2026-02-28 08:00  Mei@mp logs in as Mei [arrives 2026-03-10 08:00]
''')
print(hashlib.sha256(repr((world.entities, world.published)).encode()).hexdigest())
"""


@pytest.mark.slow
def test_the_order_of_sets_reaches_neither_state_nor_outputs() -> None:
    """Strings hash differently in each process; stored bytes must not."""
    digests = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", _STORY],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout)
    assert len(digests) == 1
