# SPDX-License-Identifier: Apache-2.0
"""Where a peer runs, told by environment variables: brokers, Redis, topics."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Self

SOURCES = (
    "event.check-in",
    "wechat.mini-program",
    "wechat.official-account",
    "wechat.pay",
)


@dataclass(frozen=True)
class Place:
    """``group`` is the consumer group, and before the dot every topic's name."""

    bootstrap: str
    redis_url: str
    group: str
    partitions: int
    session_timeout_s: int
    directory: str  # for files, one for each process

    @classmethod
    def here(cls) -> Self:
        """Raises ``KeyError`` outside a benchmark."""
        of = os.environ
        return cls(
            of["BENCH_BOOTSTRAP"],
            of["BENCH_REDIS"],
            of["BENCH_GROUP"],
            int(of["BENCH_PARTITIONS"]),
            int(of["BENCH_SESSION_TIMEOUT_S"]),
            of["BENCH_DIRECTORY"],
        )

    @property
    def sources(self) -> list[str]:
        return [f"{self.group}.{name}" for name in SOURCES]

    @property
    def keyed(self) -> str:
        """Messages from stage to stage, keyed by consumer."""
        return f"{self.group}.keyed"

    def output(self, name: str) -> str:
        return f"{self.group}.{name}"
