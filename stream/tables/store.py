# SPDX-License-Identifier: Apache-2.0
"""Describe a kind of store: its addresses, and how to open it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stream.tables.base import Tables
from stream.tables.shared_cache import SharedValues


@dataclass(frozen=True, slots=True)
class Options:
    """How a deployment uses its store; a store ignores what it has no use for."""

    partitions: int
    namespace: str = "sp"
    secret_id: str = ""  # stands for the erasure key; a store made with another one is refused
    on_retry: Callable[[Exception], None] | None = None
    cluster: bool = False  # the address is that of a Redis Cluster
    append_only: bool = True  # a Redis must keep an append-only file
    read_only: bool = False  # for a user without the right to write
    client_options: Mapping[str, Any] = field(default_factory=dict)  # redis-py's: user, TLS


@dataclass(frozen=True, slots=True)
class Store:
    """A kind of store. ``stream.tables.stores`` lists them all."""

    schemes: tuple[str, ...]  # of its addresses
    forms: str  # of its addresses, for people
    description: str
    shared: bool  # whether other processes can reach it
    login: bool  # whether it takes a user and a password
    address: Callable[[str], str | None]  # an address as ``tables`` takes it; None: unusable
    tables: Callable[[str, Options], Tables]
    values: Callable[[str, Options], SharedValues]
