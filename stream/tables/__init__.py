# SPDX-License-Identifier: Apache-2.0
"""Store the state of the partitions: the interface, and its implementations in Redis and memory.

``stream.tables.redis`` is not imported before a Redis is opened: its client takes long to import.
"""

from __future__ import annotations

from stream.tables.base import (
    DROPPED,
    NOTHING_APPLIED,
    Claim,
    Commit,
    Committed,
    Fenced,
    Pending,
    Record,
    Tables,
    TablesUnavailable,
    View,
    Write,
)
from stream.tables.memory import MemoryTables
from stream.tables.store import Options
from stream.tables.stores import open_tables

__all__ = [
    "DROPPED",
    "NOTHING_APPLIED",
    "Claim",
    "Commit",
    "Committed",
    "Fenced",
    "MemoryTables",
    "Options",
    "Pending",
    "Record",
    "Tables",
    "TablesUnavailable",
    "View",
    "Write",
    "open_tables",
]
