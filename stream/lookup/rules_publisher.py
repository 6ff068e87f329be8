# SPDX-License-Identifier: Apache-2.0
"""Publish the rules to every partition of the resolved log, and each new version.

Each partition of the resolved topic gets the whole book in one message. The topic ``shadow.rules``
announces the versions to people and other programs; the engine never reads it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import orjson

from schemas import binary_headers, format_ms
from schemas.rulesets import RULESET_PUBLISHED
from stream.config.settings import Settings
from stream.engine.model.messages import RULES_TO, RulesChanged, decode
from stream.engine.model.rule_versions import (
    dump_book,
    fingerprint,
    load_book,
    objections,
    readable,
)
from stream.engine.model.ruleset import RuleBook, RuleSet
from stream.engine.model.ruling import RULES_NOTE, Rules, newest, read_rules
from stream.kafka.connection_errors import RulesRefused, TopicsUnfit, explained
from stream.kafka.encode import rules_record
from stream.kafka.publisher import publisher_of
from stream.kafka.record_batches import Publish
from stream.kafka.topic_reader import TopicReader, require_topics
from stream.language import command_messages as say
from stream.language.message import Said
from stream.lookup.reward_progress import WorkersBehind
from stream.tables.base import Record, Tables

_LOOK_EVERY_S: Final = 0.2
#: Time within which a message reaches all partitions. If one partition applied a version that
#: reached another too late, no rules would suit both.
DELIVERY_MS: Final = 2 * 60_000


async def begin(settings: Settings, book: RuleBook, now_ms: int) -> Rules | None:
    """Put rules at the beginning of each empty partition of the log.

    Returns them if the log began just now, else ``None``. If two workers begin at once, the rules
    that come first in partition 0 hold.
    """
    empty = await _empty_partitions(settings)
    if not empty:
        return None
    names = settings.topics
    async with _publisher(settings) as publish:
        if 0 in empty:
            await publish([rules_record(0, RulesChanged(0, dump_book(book)), names)])
        first = await _first_rules(settings)
        await publish([rules_record(partition, first, names) for partition in empty if partition])
        begun = load_book(first.book)
        await publish(_announcements(settings, RuleBook(()), begun, now_ms))
    return Rules(first, begun) if 0 in empty else None


async def publish_rules(
    settings: Settings,
    tables: Tables,
    book: RuleBook,
    now_ms: int,
    *,
    patience_s: float = 60.0,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> bool:
    """Make these the rules of all partitions; ``False`` if they are already.

    Raises :class:`RulesRefused`, and ``WorkersBehind`` if the workers do not apply them in time.
    """
    notes = await tables.notes(range(settings.partitions), RULES_NOTE)
    known = {partition: read_rules(note) for partition, note in notes.items()}
    if missing := settings.partitions - len(known):
        raise RulesRefused([say.PARTITIONS_WITHOUT_RULES(missing=missing)])
    data = dump_book(book)
    if all(rules.said.book == data for rules in known.values()):
        return False
    clocks = [(await tables.view(partition, [])).clock_ms for partition in known]
    latest_ms = max(now_ms, *clocks)
    current = newest(known.values())
    assert current is not None
    problems: list[Said] = []
    for rules in known.values():  # a partition that lags may get them again, up to the last
        begun_ms = latest_ms + DELIVERY_MS * (rules == current)
        problems += objections(rules.book, book, begun_ms)
    if problems:
        raise RulesRefused(list(dict.fromkeys(problems)))
    message = RulesChanged(max(latest_ms, current.said.at + 1), data)
    async with _publisher(settings) as publish:
        await publish([rules_record(p, message, settings.topics) for p in known])
        await publish(_announcements(settings, current.book, book, now_ms))
    await _until_known(settings, tables, message, patience_s, sleep)
    return True


async def _until_known(
    settings: Settings,
    tables: Tables,
    message: RulesChanged,
    patience_s: float,
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    waited_s = 0.0
    while True:
        notes = await tables.notes(range(settings.partitions), RULES_NOTE)
        behind = sum(read_rules(note).said.at < message.at for note in notes.values())
        if not behind:
            return
        if waited_s >= patience_s:
            raise WorkersBehind(say.NOT_TAKEN_IN(behind=behind, waited_s=round(waited_s)))
        await sleep(_LOOK_EVERY_S)
        waited_s += _LOOK_EVERY_S


def _announcements(
    settings: Settings, known: RuleBook, book: RuleBook, now_ms: int
) -> list[Record]:
    """The records for ``shadow.rules``: new, changed and withdrawn versions."""
    before = {version.version: fingerprint(version) for version in known.versions}
    after = {version.version: version for version in book.versions}
    gone = [_key_only(settings, number) for number in before if number not in after]
    new = [v for number, v in after.items() if before.get(number) != fingerprint(v)]
    return [*gone, *(_announcement(settings, version, now_ms) for version in new)]


def _key_only(settings: Settings, version: int) -> Record:
    return Record(settings.topics.rules, str(version).encode(), None, (), 0)


def _announcement(settings: Settings, rules: RuleSet, now_ms: int) -> Record:
    number, print_ = str(rules.version), fingerprint(rules)
    data = {
        "ruleset_version": rules.version,
        "effective": format_ms(rules.effective_ms),
        "fingerprint": print_,
        "content": readable(rules),
    }
    source = f"urn:shadowpoints:{settings.namespace}"
    id_ = f"ruleset-{number}-{print_}"
    headers = binary_headers(RULESET_PUBLISHED, id_, source, now_ms, number)
    return Record(settings.topics.rules, number.encode(), orjson.dumps(data), tuple(headers), 0)


@asynccontextmanager
async def _publisher(settings: Settings) -> AsyncIterator[Publish]:
    names = settings.topics
    await require_topics(settings, [names.rules])
    publisher = publisher_of(settings, unique_keys_on=names.resolved)
    async with explained(settings), publisher:
        yield publisher.publish


async def _empty_partitions(settings: Settings) -> list[int]:
    topic = settings.topics.resolved
    async with TopicReader(settings, [topic]) as log:
        return [p for p in range(settings.partitions) if log.bounds(topic, p)[1] == 0]


async def _first_rules(settings: Settings) -> RulesChanged:
    topic = settings.topics.resolved
    async with TopicReader(settings, [topic]) as log:
        begin, _ = log.bounds(topic, 0)
        async for batch in log.batches(topic, 0, stop=begin + 1):
            for record in batch:
                if (first := _ruled(record.value or b"")) is not None:
                    return first
    raise TopicsUnfit(
        [f"{topic}-0 does not begin with rules: it is not a log which a worker has begun."]
    )


def _ruled(value: bytes) -> RulesChanged | None:
    try:
        to, message = decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return message if to == RULES_TO and isinstance(message, RulesChanged) else None
