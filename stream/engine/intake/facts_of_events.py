"""Turn an event into a fact: what happened, when, and its business key."""

from __future__ import annotations

from typing import Any, Final

from schemas import Event
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
    return Fact(
        key=key,
        type=event.type,
        event_id=event.id,
        time=happened_ms(event.type, data, event.time_ms),
        touchpoint=source.touchpoint,
        fields=_fields(source, data),
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


def _birthday(data: Any) -> Birthday:
    return Birthday(data.month, data.day, data.calendar == "lunar", data.leap_month)


def _fields(source: Source, data: Any) -> dict[str, Value]:
    if source.values is not None:
        return source.values(data)
    values = ((name, getattr(data, name, None)) for name in _NAMES[source.type])
    return {name: value for name, value in values if value is not None}
