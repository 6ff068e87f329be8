# SPDX-License-Identifier: Apache-2.0
"""Turn an event into a fact: what happened, when, and its business key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from schemas import Event
from schemas.order_lines import OrderLine
from schemas.registry import SOURCE_OF, SOURCES
from schemas.source import Role, Source
from stream.engine.model.birthday import Birthday
from stream.engine.model.facts import Fact
from stream.engine.model.messages import RefundReported
from stream.engine.model.ruleset import Value
from stream.engine.model.time_checks import happened_ms

_ENROLMENT: Final = Role.ENROLMENT
_BIRTHDAY: Final = Role.BIRTHDAY
_REVERSAL: Final = Role.REVERSAL
_NAMES_OF_ARTICLE: Final = ("category", "product_id", "sku_id")
_TEXTS: Final = frozenset(_NAMES_OF_ARTICLE)
_NAMES: Final = {source.type: ("appid", *source.fields) for source in SOURCES}


def fact_of(event: Event) -> Fact:
    """The fact behind any event but a refund and a request to unbind, which are no facts."""
    source, data = SOURCE_OF[event.type], event.data
    key, role = source.key(event), source.role
    if source.touchpoint is None:
        member: Any = data
        member_id = member.member_id if role is _ENROLMENT else ""
        birthday = _birthday(data) if role is _BIRTHDAY else None
        return Fact(
            key, event.type, event.id, event.time_ms, member_id=member_id, birthday=birthday
        )
    reverses = role is _REVERSAL
    fields, lines = _fields(source, data), bought(getattr(data, "lines", ()))
    if lines:
        fields |= _variety(lines)
    return Fact(
        key=key,
        type=event.type,
        event_id=event.id,
        time=happened_ms(event.type, data, event.time_ms),
        touchpoint=source.touchpoint,
        fields=fields,
        lines=lines,
        # A reversal outranks the event that it takes back, whichever comes first.
        rank=1 if reverses else 0,
        reversal=reverses,
    )


def refund_of(event: Event) -> RefundReported:
    """The message of a refund to its payment."""
    source = SOURCE_OF[event.type]
    assert source.refund is not None
    refund = source.refund(event.data)
    at = happened_ms(event.type, event.data, event.time_ms)
    amounts = refund.order_fen, refund.payer_fen
    return RefundReported(refund.id, event.id, at, *amounts, refund.merchant)


def bought(lines: Iterable[OrderLine]) -> list[dict[str, str | int]]:
    """The articles of an order, sorted: the lines of one are added up."""
    articles: dict[tuple[str, ...], dict[str, str | int]] = {}
    for line in lines:
        said: dict[str, str | int] = line.model_dump(exclude_none=True)
        name = tuple([str(said.get(part, "")) for part in _NAMES_OF_ARTICLE])
        article = articles.setdefault(name, {part: said[part] for part in said if part in _TEXTS})
        for number in said.keys() - _TEXTS:
            article[number] = int(article.get(number, 0)) + int(said[number])
    return [articles[name] for name in sorted(articles)]


def _variety(articles: Iterable[Mapping[str, str | int]]) -> dict[str, Value]:
    """How many different categories and products there are; nothing of what no line names."""
    found: dict[str, Value] = {}
    for count, name in (("categories", "category"), ("products", "product_id")):
        if different := {article[name] for article in articles if name in article}:
            found[count] = len(different)
    return found


def _birthday(data: Any) -> Birthday:
    return Birthday(data.month, data.day, data.calendar == "lunar", data.leap_month)


def _fields(source: Source, data: Any) -> dict[str, Value]:
    if source.values is not None:
        return source.values(data)
    values = ((name, getattr(data, name, None)) for name in _NAMES[source.type])
    return {name: value for name, value in values if value is not None}
