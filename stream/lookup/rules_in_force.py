# SPDX-License-Identifier: Apache-2.0
"""Find the rules of a deployment: those of the settings, and those by which a partition decides.

Rules in force stand in the log. The first worker of a namespace puts the rule file of the settings
there; later workers compare theirs, so that no other rules seem to be in force.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from stream.config.settings import PREFIX, Settings
from stream.engine.model.rule_versions import DAYS, contradictions
from stream.engine.model.ruleset import RuleBook
from stream.engine.model.ruling import RULES_NOTE, Rules, newest, read_rules
from stream.engine.model.time_checks import Horizons
from stream.kafka.connection_errors import RulesRefused
from stream.language.message import Phrase
from stream.lookup.rules_publisher import begin
from stream.rules.loader import load_rules
from stream.tables.base import Tables

_log = logging.getLogger(__name__)

PUBLISH: Final = "shadowpoints rules publish"


def rules_of(settings: Settings) -> RuleBook:
    """The rule file and the days of the settings; raises ``FileInvalid``."""
    return with_days(load_rules(settings.rules), settings)


def with_days(book: RuleBook, settings: Settings) -> RuleBook:
    """The versions of a book with the settings' days."""
    days = {name: getattr(settings, name) for name in DAYS}
    return replace(book, **days)


def horizons_of(settings: Settings) -> Horizons:
    """The days within which an event must arrive."""
    return Horizons(settings.horizon_days, settings.payment_horizon_days)


async def book_of(tables: Tables, partition: int) -> RuleBook:
    """The rules by which a partition decides; without any until it has decided something."""
    note = (await tables.notes([partition], RULES_NOTE)).get(partition)
    return read_rules(note).book if note is not None else RuleBook(())


async def newest_rules(tables: Tables, partitions: int) -> Rules | None:
    """The rules published last, of those that any partition has applied."""
    notes = await tables.notes(range(partitions), RULES_NOTE)
    return newest(map(read_rules, notes.values()))


async def settle_rules(settings: Settings, tables: Tables, book: RuleBook, now_ms: int) -> None:
    """Make the log begin with rules, and check that ``book`` does not contradict those in force.

    Raises :class:`RulesRefused`, or ``TopicsUnfit``.
    """
    noted = await tables.notes(range(settings.partitions), RULES_NOTE)
    known = await newest_rules(tables, settings.partitions)
    if len(noted) < settings.partitions:
        begun = await begin(settings, book, now_ms)
        known = known or begun
    if known is None:
        _log.info("The rules come from the log, as far as the workers have applied it")
        return
    problems = list(_differences(settings, known.book, book, now_ms))
    if problems:
        raise RulesRefused([f"The rules are not those in force: {text}" for text in problems])
    _tell_unpublished(known.book, book)


def _differences(
    settings: Settings, known: RuleBook, book: RuleBook, now_ms: int
) -> Iterable[str | Phrase]:
    for name in DAYS:
        mine, theirs = getattr(book, name), getattr(known, name)
        if mine != theirs:
            yield (
                f"{PREFIX}{name.upper()} is {mine} and was published as {theirs}: set it to that, "
                f"or publish it with `{PUBLISH}`"
            )
    if settings.rules is not None:
        yield from contradictions(known, book, now_ms)


def _tell_unpublished(known: RuleBook, book: RuleBook) -> None:
    for version in book.versions:
        if version.version > known.latest:
            _log.warning(
                "Version %d of the rule file is not in force: `%s` makes it so",
                version.version,
                PUBLISH,
            )
