# SPDX-License-Identifier: Apache-2.0
"""Count what is stored of one person: entities in the tables, records on the written topics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from stream.addressing.topics import TopicNames
from stream.engine.audit.verify import origins_of
from stream.engine.erasure.person_references import people_in, people_of
from stream.engine.model.ids import payment_keys
from stream.engine.model.messages import decode
from stream.engine.model.payment import Payment
from stream.engine.model.state import Origin
from stream.engine.storage.codec import load_entity
from stream.kafka.topic_reader import OnRead, TopicRecord, ignore_progress
from stream.lookup.entity_reader import EntityReader
from stream.privacy.export import Reader
from stream.privacy.id_search import DeadLetterSearch, people_in_output
from stream.tables import Tables


@dataclass(slots=True)
class Found:
    """Counts of what names the person, or a payment of theirs."""

    entities: int = 0
    payments: set[str] = field(default_factory=set)  # keys
    records: Counter[str] = field(default_factory=Counter)  # by topic


async def one_person(tables: Tables, partitions: int, key: str) -> set[str]:
    """The keys known to be one person: a profile and its origins."""
    reader = EntityReader(tables, partitions)
    entity = await reader.entity(key)
    profile = key
    if isinstance(entity, Origin) and entity.bound:
        profile = entity.bound
        entity = await reader.entity(profile)
    return {key, profile, *(origins_of(entity) if entity is not None else ())}


class PersonData:
    """Counts what is stored of some people; changes nothing."""

    def __init__(
        self, people: AbstractSet[str], names: TopicNames, letters: DeadLetterSearch
    ) -> None:
        self.found = Found()
        self._people, self._names, self._letters = people, names, letters
        self._live: dict[str, set[bytes]] = {}  # keys of records, by topic

    async def read_tables(self, tables: Tables, partitions: int) -> None:
        """Count entities; to be called before the topics, since it finds their payments."""
        for partition in range(partitions):
            async for view in tables.scan_entities(partition):
                for key, value in view.values.items():
                    with suppress(KeyError, msgspec.MsgspecError):
                        self._add(key, value)

    async def read_topics(self, reader: Reader, on_read: OnRead = ignore_progress) -> None:
        """Count records; one with a tombstone does not count."""
        for topic in self._names.written:
            live: set[bytes] = set()
            async for record in reader.read(topic, on_read):
                if record.key is None:
                    continue
                if record.value is None:
                    live.discard(record.key)
                elif self._names_them(topic, record):
                    live.add(record.key)
            self.found.records[topic] = len(live)

    def _add(self, key: str, value: bytes) -> None:
        entity = load_entity(key, value)
        if self._people.isdisjoint(people_of(key, entity)):
            return
        self.found.entities += 1
        if isinstance(entity, Payment):
            self.found.payments.add(key)

    def _names_them(self, topic: str, record: TopicRecord) -> bool:
        if topic == self._names.resolved:
            return self._is_message_of_theirs(record.value or b"")
        if topic != self._names.dead_letters:
            return not self._people.isdisjoint(people_in_output(record))
        words = self._letters.words(record)
        if not self.found.payments.isdisjoint(k for word in words for k in payment_keys(word)):
            return True
        return not self._people.isdisjoint(self._letters.people(record, words))

    def _is_message_of_theirs(self, value: bytes) -> bool:
        try:
            to, message = decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return False
        return to in self.found.payments or not self._people.isdisjoint(people_in(to, message))
