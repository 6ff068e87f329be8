"""The sweep: what still names people who were erased leaves the tables and our topics.

It may be killed at any point and run at any time, beside the workers. Of the resolved log it
removes only what they have applied. What tells of more that is left over (the payment of somebody
who is erased) goes last: if this sweep does not end, the next one must find it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Final, Protocol

import msgspec

from stream.engine.decision import Entity, Send
from stream.engine.directory import Directory
from stream.engine.ids import payment_key
from stream.engine.leftovers import Gone, clue, instead, is_left_over, moves, orders, owner_of
from stream.engine.mentions import people_in, people_of
from stream.engine.messages import Erase, Message, decode
from stream.engine.payment import Payment
from stream.engine.state import Origin
from stream.runtime.dead_letter_queue import is_receipt
from stream.runtime.erasures import Erasures, readable
from stream.runtime.pseudonyms import Pseudonyms
from stream.runtime.records import message_record
from stream.runtime.runs import Publish
from stream.runtime.security import hash_secret
from stream.runtime.settling import Workers
from stream.runtime.tombstones import Clues, Pending
from stream.runtime.topic_reader import OnRead, TopicReader, TopicRecord, unheard
from stream.runtime.topics import TopicNames
from stream.runtime.traces import LetterReader, people_in_output, said_at
from stream.settings import Settings
from stream.tables import Record, Tables

_TOGETHER_MAX: Final = 10_000  # tombstones which are published together
_NAMES_MAX: Final = 10_000  # of dead letters, looked up together


class Log(Protocol):
    """What is asked of a ``TopicReader``."""

    async def ends_now(self, topic: str) -> Mapping[int, int]: ...

    def batches(
        self,
        topic: str,
        partition: int,
        first: int | None = None,
        stop: int | None = None,
        on_read: OnRead = unheard,
    ) -> AsyncIterator[Sequence[TopicRecord]]: ...


@dataclass(slots=True)
class Swept:
    """What a sweep did, or would have done."""

    orders: int = 0  # messages by which entities are told to forget
    again: int = 0  # messages about others, said again without those who are erased
    tombstones: Counter[str] = field(default_factory=Counter)  # by topic
    complete: bool = True  # False: there were too many payments for one sweep


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a sweep works on."""

    tables: Tables
    log: Log
    names: TopicNames
    pseudonyms: Pseudonyms
    directory: Directory
    publish: Publish | None  # gives keys to records of the resolved log; None: nothing may change


class Sweep:
    """One sweep. Memory is bounded by a batch of records and by the clues it takes on."""

    def __init__(
        self, on: Deployment, on_read: OnRead = unheard, workers: Workers | None = None
    ) -> None:
        self.swept = Swept()
        self._on, self._on_read = on, on_read
        self._workers = workers or Workers(on.tables, on.log, on.names.resolved)
        self._erasures = Erasures(on.tables, on.pseudonyms)
        self._letters = LetterReader(on.directory)
        self._partitions = range(on.pseudonyms.partitions)
        self._clues = Clues()

    async def run(self) -> Swept:
        """Sweep; raises ``WorkersBehind``, or whatever log and publisher raise."""
        applied = await self._workers.settled()
        if await self._tell():
            applied = await self._workers.settled()
        for partition in self._partitions:
            await self._look_for_clues(partition, applied[partition] + 1)
        for partition in self._partitions:
            await self._sweep_resolved(partition, applied[partition] + 1)
        for topic in self._on.names.outputs:
            for partition in self._partitions:
                await self._sweep_output(topic, partition)
        for partition in self._partitions:
            await self._sweep_letters(partition)
        for pending in self._clues.pending():
            await self._flush(pending)
        self.swept.complete = not self._clues.overflow
        return self.swept

    # tables ----------------------------------------------------------------------------------

    async def _tell(self) -> bool:
        """Tell entities to forget whom they name; whether there were any, and they were told."""
        before = self.swept.orders
        for partition in self._partitions:
            async for view in self._on.tables.scan_entities(partition):
                await self._order(readable(view.values))
        return self._on.publish is not None and self.swept.orders > before

    async def _order(self, entities: Mapping[str, Entity]) -> None:
        named = {key: people_of(key, entity) for key, entity in entities.items()}
        gone = await self._erasures.among(set().union(*named.values()))
        sends = [
            send
            for key, entity in entities.items()
            if not named[key].isdisjoint(gone)
            for send in orders(key, entity, gone)
        ]
        self.swept.orders += len(sends)
        await self._send(sends)

    # the resolved log ------------------------------------------------------------------------

    async def _look_for_clues(self, partition: int, stop: int) -> None:
        async for batch in self._on.log.batches(self._on.names.resolved, partition, None, stop):
            sent = [_read(record) for record in batch]
            gone = await self._gone(sent)
            told = [clue(m.to, m.message, gone) if m else "" for m in sent]
            owners = await self._owners(gone, compress(sent, told))
            for record, m, about in zip(batch, sent, told, strict=True):
                self._clues.see(record)
                if m is not None and about:
                    again = instead(m.message, owners.get(owner_of(m.message)), gone)
                    self._clues.add(record, about, again)

    async def _sweep_resolved(self, partition: int, stop: int) -> None:
        topic = self._on.names.resolved
        pending = Pending(topic, partition)
        async for batch in self._on.log.batches(topic, partition, None, stop, self._on_read):
            sent = [_read(record) for record in batch]
            gone = await self._gone(sent)
            left = [m is not None and is_left_over(m.to, m.message, gone) for m in sent]
            owners = await self._owners(gone, compress(sent, left))
            await self._tell_payments(partition, sent)
            for record, m, is_left in zip(batch, sent, left, strict=True):
                pending.see(record)
                if m is None or clue(m.to, m.message, gone):
                    continue  # what is a clue goes last
                if self._clues.has_payment(m.to) or moves(m.message) in self._clues:
                    pending.add(record.key)
                elif is_left:
                    again = instead(m.message, owners.get(owner_of(m.message)), gone)
                    pending.add(record.key, again)
            await self._flush(pending, _TOGETHER_MAX)
        await self._flush(pending)

    async def _owners(
        self, gone: Mapping[str, Gone], sent: Iterable[_Sent | None]
    ) -> dict[str, Origin]:
        """Whose messages these are, of those who are not gone."""
        keys = {owner_of(m.message) for m in sent if m is not None} - {""}
        there = [key for key in keys if key not in gone or gone[key].stored]
        stored = readable(await self._erasures.load(there))
        return {key: entity for key, entity in stored.items() if isinstance(entity, Origin)}

    async def _gone(self, sent: Iterable[_Sent | None]) -> dict[str, Gone]:
        named = [people_in(m.to, m.message) for m in sent if m is not None]
        return await self._erasures.among(set().union(*named))

    async def _tell_payments(self, partition: int, sent: Iterable[_Sent | None]) -> None:
        """A payment of somebody erased does not come back; a refund may, and would wait for it."""
        keys = {m.to for m in sent if m is not None and self._clues.has_payment(m.to)}
        stored = readable(await self._on.tables.load({partition: sorted(keys)}))
        waiting = [k for k, p in stored.items() if isinstance(p, Payment) and p.fact is None]
        self.swept.orders += len(waiting)
        await self._send([Send(key, Erase(0)) for key in waiting])

    # topics for readers, and dead letters ------------------------------------------------------

    async def _sweep_output(self, topic: str, partition: int) -> None:
        pending = Pending(topic, partition)
        async for batch in self._on.log.batches(topic, partition, None, None, self._on_read):
            named = [people_in_output(record) for record in batch]
            gone = await self._erasures.among(set().union(*named))
            for record, people in zip(batch, named, strict=True):
                pending.see(record)
                if any(_is_of(record, gone[person]) for person in people & gone.keys()):
                    pending.add(record.key)
            await self._flush(pending, _TOGETHER_MAX)
        await self._flush(pending)

    async def _sweep_letters(self, partition: int) -> None:
        topic = self._on.names.dead_letters
        pending, unsure = Pending(topic, partition), list[_Letter]()
        async for batch in self._on.log.batches(topic, partition, None, None, self._on_read):
            for record in batch:
                if record.value is None:
                    await self._judge(unsure, pending)  # it may be the tombstone of one of them
                    pending.see(record)
                    continue
                if is_receipt(record):
                    continue
                words = self._letters.words(record)
                if any(self._clues.has_payment(payment_key(word)) for word in words):
                    pending.add(record.key)
                    continue
                unsure.append(_Letter(record, self._letters.people(record, words)))
                if sum(len(letter.people) for letter in unsure) >= _NAMES_MAX:
                    await self._judge(unsure, pending)
            await self._judge(unsure, pending)
            await self._flush(pending, _TOGETHER_MAX)
        await self._flush(pending)

    async def _judge(self, letters: list[_Letter], pending: Pending) -> None:
        if not letters:
            return
        gone = await self._erasures.among(set().union(*(letter.people for letter in letters)))
        for letter in letters:
            if any(gone[p].knew(letter.record.timestamp) for p in letter.people & gone.keys()):
                pending.add(letter.record.key)
        letters.clear()

    # publishing ------------------------------------------------------------------------------

    async def _send(self, sends: Sequence[Send]) -> None:
        if self._on.publish is not None:
            names, pseudonyms = self._on.names, self._on.pseudonyms
            await self._on.publish([message_record(send, names, pseudonyms) for send in sends])

    async def _flush(self, pending: Pending, at_least: int = 1) -> None:
        """Publish the tombstones, after what is said instead."""
        if len(pending) < at_least:
            return
        sends, tombstones = pending.take()
        self.swept.again += len(sends)
        await self._send(sends)
        await self._erase(pending.topic, tombstones)

    async def _erase(self, topic: str, tombstones: Sequence[Record]) -> None:
        self.swept.tombstones[topic] += len(tombstones)
        if self._on.publish is not None:
            await self._on.publish(tombstones)


async def sweep(
    settings: Settings,
    tables: Tables,
    directory: Directory,
    publish: Publish | None,
    watch: Callable[[int], OnRead] = lambda total: unheard,
) -> Swept:
    """One sweep of a deployment, without ``publish`` a trial of one.

    ``watch`` is told how many offsets there are to read, and answers who hears of their passing.
    Raises ``WorkersBehind`` and ``TopicsUnfit``.
    """
    async with TopicReader(settings, settings.topics.written) as reader:
        pseudonyms = Pseudonyms(hash_secret(settings), settings.partitions)
        on = Deployment(tables, reader, settings.topics, pseudonyms, directory, publish)
        return await Sweep(on, watch(reader.total)).run()


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message of the resolved log."""

    to: str
    message: Message


@dataclass(frozen=True, slots=True)
class _Letter:
    """A dead letter, and who may be named in it."""

    record: TopicRecord
    people: set[str]


def _read(record: TopicRecord) -> _Sent | None:
    if record.value is None or record.key is None:
        return None
    try:
        return _Sent(*decode(record.value))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None  # no worker took it for a message, either


def _is_of(output: TopicRecord, gone: Gone) -> bool:
    """Whether it was said of somebody who is erased, and not of their new beginning."""
    if gone.knew(said_at(output)):
        return True
    # The erasure's own entry is later; it would tell how many points there were.
    return b'"cause":"erase:%d"' % gone.erased.at in (output.value or b"")
