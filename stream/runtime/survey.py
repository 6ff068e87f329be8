"""How much there is of one person: entities in the tables, records on the topics we write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from stream.engine.codec import load_entity
from stream.engine.mentions import people_in, people_of
from stream.engine.messages import decode
from stream.engine.payment import Payment
from stream.engine.state import Origin
from stream.engine.verify import origins_of
from stream.runtime.exporting import Reader
from stream.runtime.people import stored
from stream.runtime.topic_reader import OnRead, TopicRecord, unheard
from stream.runtime.topics import TopicNames
from stream.runtime.traces import LetterReader, people_in_output
from stream.tables import Tables


@dataclass(slots=True)
class Found:
    """What names the person, or a payment of theirs."""

    entities: int = 0
    payments: set[str] = field(default_factory=set)  # keys
    records: Counter[str] = field(default_factory=Counter)  # by topic


async def one_person(tables: Tables, partitions: int, key: str) -> set[str]:
    """The keys which are known to be one person: a profile and its origins."""
    entity = await stored(tables, partitions, key)
    profile = key
    if isinstance(entity, Origin) and entity.bound:
        profile = entity.bound
        entity = await stored(tables, partitions, profile)
    return {key, profile, *(origins_of(entity) if entity is not None else ())}


class Survey:
    """Counts what is there of some people; changes nothing."""

    def __init__(self, people: AbstractSet[str], names: TopicNames, letters: LetterReader) -> None:
        self.found = Found()
        self._people, self._names, self._letters = people, names, letters
        self._live: dict[str, set[bytes]] = {}  # keys of records, by topic

    async def read_tables(self, tables: Tables, partitions: int) -> None:
        """Before the topics, so that it is known which payments are theirs."""
        for partition in range(partitions):
            async for view in tables.scan_entities(partition):
                for key, value in view.values.items():
                    with suppress(KeyError, msgspec.MsgspecError):
                        self._add(key, value)

    async def read_topics(self, reader: Reader, on_read: OnRead = unheard) -> None:
        """What has a tombstone already does not count."""
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
        if not self.found.payments.isdisjoint(f"tx.{word}" for word in words):
            return True
        return not self._people.isdisjoint(self._letters.people(record, words))

    def _is_message_of_theirs(self, value: bytes) -> bool:
        try:
            to, message = decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return False
        return to in self.found.payments or not self._people.isdisjoint(people_in(to, message))
