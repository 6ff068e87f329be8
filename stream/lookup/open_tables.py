# SPDX-License-Identifier: Apache-2.0
"""Open the tables of a deployment by its settings, check them, and publish rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stream.addressing.pseudonyms import id_of
from stream.config.client_security import hash_secret, redis_options
from stream.config.settings import Settings
from stream.engine.model.ruleset import RuleBook
from stream.lookup.budgets import BudgetState, budget_states
from stream.lookup.rules_in_force import newest_rules, settle_rules, with_days
from stream.lookup.rules_publisher import publish_rules
from stream.process.clock import wall_clock_ms
from stream.tables import Options, Tables, open_tables
from stream.tables.shared_cache import SharedValues
from stream.tables.stores import open_values


def tables_of(
    settings: Settings,
    on_retry: Callable[[Exception], None] | None = None,
    *,
    read_only: bool = False,
) -> Tables:
    """Await ``open()`` of it before anything else; raises ``SettingsInvalid``."""
    options = _options(settings)
    secret_id = id_of(hash_secret(settings))
    return open_tables(
        settings.redis_url,
        replace(options, on_retry=on_retry, secret_id=secret_id, read_only=read_only),
    )


def values_of(settings: Settings) -> SharedValues:
    """The values that the processes of a deployment share; raises ``SettingsInvalid``."""
    return open_values(settings.redis_url, _options(settings))


def _options(settings: Settings) -> Options:
    return Options(
        partitions=settings.partitions,
        namespace=settings.namespace,
        cluster=settings.redis_cluster,
        append_only=settings.redis_durable == "aof",
        client_options=redis_options(settings),
    )


async def check_tables(settings: Settings, book: RuleBook) -> None:
    """Raises ``TablesUnavailable`` unless the tables can be opened.

    Makes the log begin with rules; raises ``RulesRefused`` if ``book`` contradicts them.
    """
    tables = tables_of(settings)
    try:
        await tables.open()
        await settle_rules(settings, tables, book, wall_clock_ms())
    finally:
        await tables.close()


async def budgets_of(settings: Settings) -> list[BudgetState]:
    """How far the budgets of campaigns are used up; raises ``TablesUnavailable``."""
    tables = tables_of(settings)
    try:
        await tables.open()
        return await budget_states(tables, settings.partitions)
    finally:
        await tables.close()


async def publish_book(settings: Settings, wanted: RuleBook | None) -> bool:
    """Publish rules, or without any those in force, with the settings' days.

    ``False`` if that changes nothing. Raises ``RulesRefused``, ``TopicsUnfit``,
    ``TablesUnavailable`` or ``WorkersBehind``.
    """
    tables = tables_of(settings)
    try:
        await tables.open()
        known = await newest_rules(tables, settings.partitions)
        book = with_days(wanted or (known.book if known else RuleBook(())), settings)
        return await publish_rules(settings, tables, book, wall_clock_ms())
    finally:
        await tables.close()
