# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import msgspec
import pytest

from stream.engine.model.facts import Fact
from tests.engine.build import purchase


def test_a_fact_costs_only_what_it_says() -> None:
    fact = Fact("k", "t", "e", 1)
    assert msgspec.to_builtins(fact) == {"key": "k", "type": "t", "event_id": "e", "time": 1}


def test_a_fact_never_changes() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        purchase().rank = 1  # type: ignore[misc]
