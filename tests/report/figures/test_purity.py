# SPDX-License-Identifier: Apache-2.0
"""What is counted has no clock, no randomness and no I/O."""

from __future__ import annotations

from pathlib import Path

import pytest

import stream.report.figures
from tests.support.purity import impurities

HERE = Path(stream.report.figures.__file__).parent
ALLOWED = {
    "__future__", "bisect", "collections", "enum", "heapq", "msgspec", "numpy", "operator",
    "orjson", "schemas", "stream.engine", "stream.report.figures", "typing",
}  # fmt: skip


@pytest.mark.parametrize("path", sorted(HERE.glob("*.py")), ids=lambda path: path.stem)
def test_figures_are_pure(path: Path) -> None:
    assert list(impurities(path.read_text("utf-8"), ALLOWED)) == []
