# SPDX-License-Identifier: Apache-2.0
"""Find the people whom an identifier names: by their keys, by a dead letter, or by an offer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from stream.addressing.topics import TopicNames
from stream.desk.sources import Sources, about
from stream.engine.model.decision import Channel
from stream.engine.model.directory import Directory
from stream.engine.model.ids import origin_key, payment_keys, union_key
from stream.engine.model.payment import Payment
from stream.engine.model.state import Account, Origin
from stream.kafka.dead_letter_reader import DeadLetterQueue, Selection, parse_place
from stream.kafka.topic_reader import TopicReader, TopicRecord
from stream.privacy.id_search import DeadLetterSearch

IDENTIFIER_CHARS_MAX: Final = 300
_WORD: Final = re.compile(r"[A-Za-z0-9._@-]+")
_KEYS_AT_ONCE: Final = 2_000


class Found(NamedTuple):
    """Consumer ids, in order, and whether the offers' topic had to be searched."""

    people: list[str]
    searched: bool = False


class _Letter(NamedTuple):
    """A dead letter as a record, whose words may be ids."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


async def find(sources: Sources, identifier: str) -> Found:
    """The people behind an identifier; raises ``TopicsUnfit``."""
    words = identifier[:IDENTIFIER_CHARS_MAX].split()
    if not words or not all(map(_WORD.fullmatch, words)):
        return Found([])
    word = words[-1]
    if "@" in word:
        return Found(await _in_letter(sources, word))
    if people := await _people(sources, candidates(words, sources.directory)):
        return Found(people)
    return Found(await _in_offers(sources, word), searched=True)


def candidates(words: list[str], directory: Directory) -> Iterator[str]:
    """The keys which an identifier may mean: one word, or an app or an account and an id."""
    word = words[-1]
    if len(words) == 1 and word.partition(".")[0] in ("union", "origin", "tx"):
        yield word
    elif len(words) == 1:
        yield from (origin_key(appid, word) for appid in sorted(directory.appids))
        yield from (union_key(account, word) for account in _accounts(directory))
        yield from payment_keys(word)
    elif len(words) == 2:
        yield from (origin_key(words[0], word), union_key(words[0], word))


def _accounts(directory: Directory) -> list[str]:
    former = (move.account for move in directory.moves.values())
    return sorted({*directory.open_account_by_appid.values(), *former})


async def _people(sources: Sources, keys: Iterable[str]) -> list[str]:
    """The accounts to which keys lead, of those that are stored."""
    wanted, found = list(dict.fromkeys(keys)), set()
    for start in range(0, len(wanted), _KEYS_AT_ONCE):
        entities = await sources.reader.readable(wanted[start : start + _KEYS_AT_ONCE])
        for key, entity in entities.items():
            if isinstance(entity, Payment):
                if entity.origin:
                    found.add(await sources.reader.person_behind(key))
            elif isinstance(entity, Origin):
                found.add(entity.bound or key)
            elif isinstance(entity, Account):
                found.add(key)
    return sorted(key for key in found if key)


async def _in_letter(sources: Sources, text: str) -> list[str]:
    try:
        place = parse_place(text, sources.settings.topics.dead_letters)
    except ValueError:
        return []
    search, keys = DeadLetterSearch(sources.directory), set()
    async with sources.kafka(), DeadLetterQueue(sources.settings) as queue:
        at = Selection(partition=place.partition, offset=place.offset)
        async for letter in queue.letters(at):
            record = _Letter(place.offset, 0, 1, letter.key, letter.value, letter.headers)
            words = search.words(record)
            keys = search.people(record, words) | {k for w in words for k in payment_keys(w)}
    return await _people(sources, sorted(keys))


async def _in_offers(sources: Sources, word: str) -> list[str]:
    """By a member number, an offer's id or an event's, in what was told of late."""
    topic = _offers(sources.settings.topics)
    text = word.encode()

    def has(record: TopicRecord) -> bool:
        return record.key == text or text in (record.value or b"")

    keys = set()
    async with sources.kafka(), TopicReader(sources.settings, [topic]) as reader:
        partitions = range(sources.settings.partitions)
        async for headers, data in about(reader, topic, partitions, has):
            named = {headers.get("ce_id"), data.get("offer_id"), data.get("member_id")}
            if word in named:
                keys.add(headers.get("ce_subject", ""))
    return await _people(sources, sorted(keys))


def _offers(names: TopicNames) -> str:
    return names.channel(Channel.OFFERS)


def masked(key: str) -> str:
    """A consumer id, an openid or a Union ID with all but the ends of its last part hidden."""
    head, dot, last = key.rpartition(".")
    hidden = f"{last[:4]}…{last[-4:]}" if len(last) > 12 else "…"
    return f"{head}{dot}{hidden}"
