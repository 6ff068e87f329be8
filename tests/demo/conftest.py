# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from stream.brand.directory import load_apps
from stream.demo.day import Day, generate
from stream.engine.model.directory import Directory
from stream.engine.model.ruleset import RuleBook
from stream.rules.loader import load_rules
from tests.demo.sample import DATE


@pytest.fixture(scope="session")
def book() -> RuleBook:
    return load_rules()


@pytest.fixture(scope="session")
def directory() -> Directory:
    return load_apps()


@pytest.fixture(scope="session")
def day(directory: Directory) -> Day:
    """A day which is big enough for everything to occur in it."""
    return generate(seed=5, consumers=400, events=4_000, day=DATE, directory=directory)
