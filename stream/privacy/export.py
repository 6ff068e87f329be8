# SPDX-License-Identifier: Apache-2.0
"""Collect all that is stored of some people, from the tables and the topics that the engine writes.

The topics are read from beginning to end, once for several people.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

import orjson
from pydantic import ValidationError

from schemas import CONTRACTS, parse_time
from schemas.exports import format_shanghai
from stream.addressing.topics import TopicNames
from stream.engine.model.calendar import shanghai
from stream.engine.model.decision import Channel
from stream.engine.model.ids import origin_key, payment_number
from stream.engine.model.payment import Payment
from stream.engine.storage.codec import load_entity
from stream.kafka.topic_reader import OnRead, TopicRecord, ignore_progress
from stream.lookup.consumer_explanation import explanation
from stream.privacy.id_search import people_in_output
from stream.tables import Tables

#: What is read, in the order of the document's sections.
CHANNELS: Final = tuple(Channel)

Document = dict[str, Any]


class Reader(Protocol):
    """The part of :class:`TopicReader` that is used here."""

    def read(self, topic: str, on_read: OnRead = ...) -> AsyncIterator[TopicRecord]: ...


@dataclass(slots=True)
class Export:
    """What has been collected of one person."""

    names: frozenset[str]  # consumer ids, the origins' among them
    known: Document  # from the tables
    payments: dict[str, Document] = field(default_factory=dict)
    #: By topic and the record's key: a copy changes nothing, a tombstone removes it.
    events: dict[tuple[str, bytes], Document] = field(default_factory=dict)

    @property
    def consumer_id(self) -> str:
        """The person's consumer id now."""
        name: str = self.known["consumer_id"]
        return name

    @property
    def is_empty(self) -> bool:
        """Whether nothing is stored of the person."""
        return not ("account" in self.known or any(self.known["origins"]) or self.events)

    def document(self, names: TopicNames, request: str | None = None) -> Document:
        """The ``data`` of ``consumer.exported.v1``; ``request`` is the requesting event's id."""
        sections = {str(channel): self._emitted(names.channel(channel)) for channel in CHANNELS}
        payments = sorted(self.payments.values(), key=lambda p: (p["time"], p["transaction_id"]))
        asked = {} if request is None else {"request": request}
        return asked | self.known | {"payments": payments} | sections

    def _emitted(self, topic: str) -> list[Document]:
        """Sorted by time, which keeps each subject's order: its times never fall."""
        events = (event for (where, _), event in self.events.items() if where == topic)
        return sorted(events, key=lambda event: event["time"])


class Exporter:
    """Collects exports; ``names`` are the topics'."""

    def __init__(self, tables: Tables, partitions: int, names: TopicNames) -> None:
        self._tables, self._partitions = tables, partitions
        self.topics = tuple(names.channel(channel) for channel in CHANNELS)

    async def begin(self, keys: Iterable[str], as_of: int) -> list[Export]:
        """What the tables hold now of the consumers behind these keys, payments included.

        It searches all payments, page by page, since a person's state does not name them.
        """
        exports = [await self._begin(key, as_of) for key in keys]
        by_name = _by_name(exports)
        for partition in range(self._partitions):
            async for view in self._tables.scan_entities(partition):
                _add_payments(view.values, by_name)
        return exports

    async def read(
        self, reader: Reader, exports: Sequence[Export], on_read: OnRead = ignore_progress
    ) -> None:
        """Add their events from the topics; only these are kept in memory."""
        by_name = _by_name(exports)
        for topic in self.topics:
            async for record in reader.read(topic, on_read):
                _add_event(record, exports, by_name)

    async def _begin(self, key: str, as_of: int) -> Export:
        known = await explanation(self._tables, self._partitions, key, as_of)
        if known is None:
            known = {"consumer_id": key, "as_of": shanghai(as_of), "origins": []}
        origins = {origin_key(o["appid"], o["openid"]) for o in known["origins"]}
        return Export(frozenset({key, known["consumer_id"], *origins}), _as_contracted(known))


def _by_name(exports: Iterable[Export]) -> dict[str, list[Export]]:
    found: dict[str, list[Export]] = {}
    for export in exports:
        for name in export.names:
            found.setdefault(name, []).append(export)
    return found


def _as_contracted(known: Document) -> Document:
    """An explanation in the contract's form: counts as rows, and no nulls."""
    if known.get("account") is not None:
        account = known["account"]
        known = known | {
            "account": account
            | {
                "before_horizon": _rows(account["before_horizon"], "touchpoint"),
                "records": _rows(account["records"], "outcome"),
            }
        }
    document: Document = _without_nulls(known)
    return document


def _rows(counts: Mapping[str, int], name: str) -> list[Document]:
    return [{name: what, "count": count} for what, count in counts.items()]


def _without_nulls(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _without_nulls(value) for name, value in node.items() if value is not None}
    return [_without_nulls(item) for item in node] if isinstance(node, list) else node


def _add_payments(values: Mapping[str, bytes], by_name: Mapping[str, list[Export]]) -> None:
    for key, value in values.items():
        payment = load_entity(key, value) if key.startswith("tx.") else None
        if isinstance(payment, Payment) and payment.fact and not payment.disputed:
            for export in by_name.get(payment.origin, ()):
                export.payments[key] = _payment(key, payment)


def _payment(key: str, payment: Payment) -> Document:
    assert payment.fact is not None
    order_fen, payer_fen = payment.refunded()
    return {
        "transaction_id": payment_number(key),
        "consumer_id": payment.origin,
        "event_id": payment.fact.event_id,
        "time": shanghai(payment.fact.time),
        "fields": dict(payment.fact.fields),
        **({"lines": payment.fact.lines} if payment.fact.lines else {}),
        "refunded_fen": order_fen,
        "payer_refunded_fen": payer_fen,
    }


def _add_event(
    record: TopicRecord, exports: Sequence[Export], by_name: Mapping[str, list[Export]]
) -> None:
    if record.key is None:
        return
    place = (record.topic, record.key)
    if record.value is None:
        for export in exports:
            export.events.pop(place, None)
        return
    for export in (e for name in people_in_output(record) for e in by_name.get(name, ())):
        if place not in export.events:
            export.events[place] = _event(record)


def _event(record: TopicRecord) -> Document:
    attributes = {name: (value or b"").decode() for name, value in record.headers}
    assert record.value is not None
    return {
        "id": attributes["ce_id"],
        "type": attributes["ce_type"],
        "time": format_shanghai(parse_time(attributes["ce_time"])),
        "subject": attributes["ce_subject"],
        "data": _localised(attributes["ce_type"], orjson.loads(record.value)),
    }


def _localised(type_: str, data: Any) -> Any:
    """The body with Shanghai's times; the contract says which fields are times.

    A body that a newer version has written stays as it is.
    """
    contract = CONTRACTS.get(type_)
    if contract is None:
        return data
    try:
        model = contract.adapter.validate_python(data)
    except ValidationError:
        return data
    return _with_local_times(model.model_dump(by_alias=True, exclude_none=True))


def _with_local_times(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _with_local_times(value) for name, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_with_local_times(item) for item in node]
    return format_shanghai(node) if isinstance(node, datetime) else node
