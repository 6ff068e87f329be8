# SPDX-License-Identifier: Apache-2.0
"""An object for the tests of the process pool: a spawned process has to import it."""

from __future__ import annotations

import os
from collections.abc import Mapping


class Clerk:
    def __init__(self, number: int, factors: Mapping[str, int]) -> None:
        self.number, self.factor = number, factors["factor"]

    def times(self, value: int) -> tuple[int, int]:
        return self.number, value * self.factor

    def fail(self) -> None:
        raise ValueError("oSecret")

    def die(self) -> None:
        os._exit(3)
