# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

import pytest

from stream.worker.in_process import LocalEngine
from tests.report.brand import END_MS, engine_of, live


@pytest.fixture(scope="session")
def brand() -> LocalEngine:
    """A brand at the end of its second year; nobody changes it."""
    engine = engine_of()
    asyncio.run(live(engine, END_MS))
    return engine
