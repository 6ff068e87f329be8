# SPDX-License-Identifier: Apache-2.0
"""Remove every remaining reference to erased people from the tables and our topics.

A sweep may be killed at any point and run at any time, beside the workers. Of the resolved log it
removes only what they have applied. Records that lead to further ones (such as to a payment of an
erased person) go last: if this sweep does not end, the next one must find them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Final, Protocol

import msgspec

from schemas.dead_letter import STAGE
from stream.addressing.pseudonyms import Pseudonyms
from stream.addressing.topics import TopicNames
from stream.config.client_security import hash_secret
from stream.config.settings import Settings
from stream.engine.erasure.person_references import people_in, people_of
from stream.engine.erasure.residue import (
    ErasedPerson,
    deferred_key,
    is_residue,
    messages_to_forget,
    moves,
    owner_of,
    restated,
)
from stream.engine.model.decision import Entity, Send
from stream.engine.model.directory import Directory
from stream.engine.model.ids import payment_keys
from stream.engine.model.messages import Erase, Message, decode
from stream.engine.model.payment import Payment
from stream.engine.model.state import Origin
from stream.kafka.dead_letter_reader import is_receipt
from stream.kafka.dead_letters import Stage
from stream.kafka.encode import erased_headers_of, message_record
from stream.kafka.record_batches import Publish
from stream.kafka.topic_reader import OnRead, TopicReader, TopicRecord, ignore_progress
from stream.lookup.entity_reader import PeopleReader, readable
from stream.lookup.reward_progress import RewardProgress
from stream.privacy.id_search import DeadLetterSearch, people_in_output, said_at, subject_of
from stream.privacy.pending_tombstones import DeferredTombstones, PendingTombstones
from stream.tables import Record, Tables

_TOGETHER_MAX: Final = 10_000  # tombstones that are published together
_NAMES_MAX: Final = 10_000  # of dead letters, looked up together


class Log(Protocol):
    """The part of ``TopicReader`` that is used here."""

    async def ends_now(self, topic: str) -> Mapping[int, int]: ...

    def batches(
        self,
        topic: str,
        partition: int,
        first: int | None = None,
        stop: int | None = None,
        on_read: OnRead = ignore_progress,
    ) -> AsyncIterator[Sequence[TopicRecord]]: ...


@dataclass(slots=True)
class SweepResult:
    """What a sweep did, or would have done."""

    orders: int = 0  # messages by which entities forget
    again: int = 0  # messages about others, published again without the erased
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
    source: str  # ce_source of tombstones, which are events
    publish: Publish | None  # gives keys to records of the resolved log; None: nothing may change


class Sweep:
    """One sweep. Memory is bounded by a batch of records and by the deferred tombstones."""

    def __init__(
        self,
        on: Deployment,
        on_read: OnRead = ignore_progress,
        workers: RewardProgress | None = None,
    ) -> None:
        self.swept = SweepResult()
        self._on, self._on_read = on, on_read
        self._workers = workers or RewardProgress(on.tables, on.log, on.names.resolved)
        self._people = PeopleReader(on.tables, on.pseudonyms)
        self._letters = DeadLetterSearch(on.directory)
        self._partitions = range(on.pseudonyms.partitions)
        self._deferred = DeferredTombstones()

    async def run(self) -> SweepResult:
        """Sweep; raises ``WorkersBehind``, or whatever log and publisher raise."""
        applied = await self._workers.settled()
        if await self._order_all():
            applied = await self._workers.settled()
        for partition in self._partitions:
            await self._find_deferred(partition, applied[partition] + 1)
        for partition in self._partitions:
            await self._sweep_resolved(partition, applied[partition] + 1)
        for topic in self._on.names.outputs:
            for partition in self._partitions:
                await self._sweep_output(topic, partition)
        for partition in self._partitions:
            await self._sweep_letters(partition)
        for pending in self._deferred.pending():
            await self._flush(pending)
        self.swept.complete = not self._deferred.overflow
        return self.swept

    # tables ----------------------------------------------------------------------------------

    async def _order_all(self) -> bool:
        """Send messages to entities that name erased people; whether any were sent."""
        before = self.swept.orders
        for partition in self._partitions:
            async for view in self._on.tables.scan_entities(partition):
                await self._order(readable(view.values))
        return self._on.publish is not None and self.swept.orders > before

    async def _order(self, entities: Mapping[str, Entity]) -> None:
        named = {key: people_of(key, entity) for key, entity in entities.items()}
        gone = await self._people.erased_among(set().union(*named.values()))
        sends = [
            send
            for key, entity in entities.items()
            if not named[key].isdisjoint(gone)
            for send in messages_to_forget(key, entity, gone)
        ]
        self.swept.orders += len(sends)
        await self._send(sends)

    # the resolved log ------------------------------------------------------------------------

    async def _find_deferred(self, partition: int, stop: int) -> None:
        async for batch in self._on.log.batches(self._on.names.resolved, partition, None, stop):
            sent = [_read(record) for record in batch]
            gone = await self._gone(sent)
            keys = [deferred_key(m.to, m.message, gone) if m else "" for m in sent]
            owners = await self._owners(gone, compress(sent, keys))
            for record, m, about in zip(batch, sent, keys, strict=True):
                self._deferred.see(record)
                if m is not None and about:
                    again = restated(m.message, owners.get(owner_of(m.message)), gone)
                    self._deferred.add(record, about, again)

    async def _sweep_resolved(self, partition: int, stop: int) -> None:
        topic = self._on.names.resolved
        pending = PendingTombstones(topic, partition)
        async for batch in self._on.log.batches(topic, partition, None, stop, self._on_read):
            sent = [_read(record) for record in batch]
            gone = await self._gone(sent)
            left = [m is not None and is_residue(m.to, m.message, gone) for m in sent]
            owners = await self._owners(gone, compress(sent, left))
            await self._erase_waiting_payments(sent)
            for record, m, is_left in zip(batch, sent, left, strict=True):
                pending.see(record)
                if m is None or deferred_key(m.to, m.message, gone):
                    continue  # a deferred record goes last
                if self._deferred.has_payment(m.to) or moves(m.message) in self._deferred:
                    pending.add(record.key)
                elif is_left:
                    again = restated(m.message, owners.get(owner_of(m.message)), gone)
                    pending.add(record.key, again)
            await self._flush(pending, _TOGETHER_MAX)
        await self._flush(pending)

    async def _owners(
        self, gone: Mapping[str, ErasedPerson], sent: Iterable[_Message | None]
    ) -> dict[str, Origin]:
        """The stored origins whose messages these are."""
        keys = {owner_of(m.message) for m in sent if m is not None} - {""}
        there = [key for key in keys if key not in gone or gone[key].stored]
        stored = await self._people.readable(there)
        return {key: entity for key, entity in stored.items() if isinstance(entity, Origin)}

    async def _gone(self, sent: Iterable[_Message | None]) -> dict[str, ErasedPerson]:
        named = [people_in(m.to, m.message) for m in sent if m is not None]
        return await self._people.erased_among(set().union(*named))

    async def _erase_waiting_payments(self, sent: Iterable[_Message | None]) -> None:
        """Erase payments that only wait: a refund may arrive again, its erased payment does not.

        A disputed payment names one of its possible payers, and is erased with any of them.
        """
        keys = {m.to for m in sent if m is not None and self._deferred.has_payment(m.to)}
        stored = await self._people.readable(sorted(keys))
        payments = [(k, p) for k, p in stored.items() if isinstance(p, Payment)]
        left = [key for key, payment in payments if payment.fact is None or payment.disputed]
        self.swept.orders += len(left)
        await self._send([Send(key, Erase(0)) for key in left])

    # topics for readers, and dead letters ------------------------------------------------------

    async def _sweep_output(self, topic: str, partition: int) -> None:
        pending = PendingTombstones(topic, partition)
        async for batch in self._on.log.batches(topic, partition, None, None, self._on_read):
            named = [people_in_output(record) for record in batch]
            gone = await self._people.erased_among(set().union(*named))
            for record, people in zip(batch, named, strict=True):
                pending.see(record)
                hers = self._deferred.has_payment(subject_of(record).decode(errors="replace"))
                times = [gone[p].erased.at for p in people & gone.keys() if _is_of(record, gone[p])]
                if (hers or times) and record.key is not None and record.value is not None:
                    at = max(times, default=said_at(record))
                    pending.add(record.key, (), erased_headers_of(record.key, self._on.source, at))
            await self._flush(pending, _TOGETHER_MAX)
        await self._flush(pending)

    async def _sweep_letters(self, partition: int) -> None:
        topic = self._on.names.dead_letters
        pending, unsure = PendingTombstones(topic, partition), list[_Letter]()
        async for batch in self._on.log.batches(topic, partition, None, None, self._on_read):
            for record in batch:
                if record.value is None:
                    await self._judge(unsure, pending)  # it may be the tombstone of an unsure one
                    pending.see(record)
                    continue
                if is_receipt(record):
                    continue
                words = self._letters.words(record)
                if any(self._deferred.has_payment(k) for word in words for k in payment_keys(word)):
                    pending.add(record.key)
                    continue
                unsure.append(_Letter(record, self._letters.people(record, words)))
                if sum(len(letter.people) for letter in unsure) >= _NAMES_MAX:
                    await self._judge(unsure, pending)
            await self._judge(unsure, pending)
            await self._flush(pending, _TOGETHER_MAX)
        await self._flush(pending)

    async def _judge(self, letters: list[_Letter], pending: PendingTombstones) -> None:
        if not letters:
            return
        gone = await self._people.erased_among(set().union(*(letter.people for letter in letters)))
        for letter in letters:
            if any(_was_of(letter.record, gone[p]) for p in letter.people & gone.keys()):
                pending.add(letter.record.key)
        letters.clear()

    # publishing ------------------------------------------------------------------------------

    async def _send(self, sends: Sequence[Send]) -> None:
        if self._on.publish is not None:
            names, pseudonyms = self._on.names, self._on.pseudonyms
            await self._on.publish([message_record(send, names, pseudonyms) for send in sends])

    async def _flush(self, pending: PendingTombstones, at_least: int = 1) -> None:
        """Publish the tombstones, after the messages that replace records."""
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
    watch: Callable[[int], OnRead] = lambda total: ignore_progress,
) -> SweepResult:
    """One sweep of a deployment, without ``publish`` a trial of one.

    ``watch`` gets the number of offsets to read, and returns the progress callback.
    Raises ``WorkersBehind`` and ``TopicsUnfit``.
    """
    async with TopicReader(settings, settings.topics.written) as reader:
        pseudonyms = Pseudonyms(hash_secret(settings), settings.partitions)
        source = f"urn:shadowpoints:{settings.namespace}"
        on = Deployment(tables, reader, settings.topics, pseudonyms, directory, source, publish)
        return await Sweep(on, watch(reader.total)).run()


@dataclass(frozen=True, slots=True)
class _Message:
    """A message of the resolved log."""

    to: str
    message: Message


@dataclass(frozen=True, slots=True)
class _Letter:
    """A dead letter, and the people it may name."""

    record: TopicRecord
    people: set[str]


def _read(record: TopicRecord) -> _Message | None:
    if record.value is None or record.key is None:
        return None
    try:
        return _Message(*decode(record.value))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None  # nor did a worker apply it


def _was_of(letter: TopicRecord, gone: ErasedPerson) -> bool:
    """Whether a dead letter is from before an erasure.

    It came with its record, but for one of webhooks: an output, which was tried for days.
    """
    if (STAGE, Stage.WEBHOOK.encode()) in letter.headers:
        return _is_of(letter, gone)
    return gone.knew(letter.timestamp)


def _is_of(output: TopicRecord, gone: ErasedPerson) -> bool:
    """Whether an output is about what was erased, and not about a new beginning."""
    if gone.knew(said_at(output)):
        return True
    # The erasure's own entry is later; it would reveal how many points there were.
    return b'"cause":"erase:%d"' % gone.erased.at in (output.value or b"")
