# SPDX-License-Identifier: Apache-2.0
"""Processes whose clock is wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

#: Python runs it at every start: the clock is wrong by SKEW_S.
_SITECUSTOMIZE = """
import os, time
by_s = float(os.environ["SKEW_S"])
of_s, of_ns = time.time, time.time_ns
time.time = lambda: of_s() + by_s
time.time_ns = lambda: of_ns() + int(by_s * 1e9)
"""


def clock_wrong_by(by: timedelta, folder: Path) -> dict[str, str]:
    """The environment of a process of Python whose clock is wrong."""
    (folder / "sitecustomize.py").write_text(_SITECUSTOMIZE, "utf-8")
    return {"PYTHONPATH": str(folder), "SKEW_S": str(by.total_seconds())}
