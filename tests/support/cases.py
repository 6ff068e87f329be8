# SPDX-License-Identifier: Apache-2.0
"""Cases of parametrised tests, written with what they share once a row."""

from __future__ import annotations

from typing import Any


def each(*rows: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    """Pairs: the first value of a row with each of its others."""
    return [(shared, value) for shared, *values in rows for value in values]
