# SPDX-License-Identifier: Apache-2.0
"""Choose the store by the scheme of its address."""

from __future__ import annotations

from stream.tables import memory_store, redis_store
from stream.tables.base import Tables
from stream.tables.shared_cache import SharedValues
from stream.tables.store import Options, Store

#: All kinds of stores, as people read of them.
STORES = (redis_store.STORE, memory_store.STORE)

_BY_SCHEME = {scheme: store for store in STORES for scheme in store.schemes}


def listed(texts: list[str]) -> str:
    """Texts with commas, and "or" before the last."""
    *others, last = texts
    return f"{', '.join(others)} or {last}" if others else last


def checked_address(url: str) -> str:
    """The address as its store takes it; raises ``ValueError`` for one that no store takes."""
    store = _BY_SCHEME.get(scheme_of(url))
    address = store.address(url) if store is not None else None
    if address is None:
        raise ValueError(f"must be {listed([known.forms for known in STORES])}")
    return address


def scheme_of(url: str) -> str:
    """What is before ``://`` in an address; empty if nothing is."""
    scheme, separator, _ = url.partition("://")
    return scheme if separator else ""


def store_of(url: str) -> Store:
    """The kind of store at an address; raises ``ValueError`` for one that no store takes."""
    return _BY_SCHEME[scheme_of(checked_address(url))]


def open_tables(url: str, options: Options) -> Tables:
    """The tables at an address; await ``open()`` before anything else."""
    return store_of(url).tables(checked_address(url), options)


def open_values(url: str, options: Options) -> SharedValues:
    """The values that processes share at an address."""
    return store_of(url).values(checked_address(url), options)
