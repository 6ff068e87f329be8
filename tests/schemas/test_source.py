# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter

from schemas import decode
from schemas.base import PersonId
from schemas.registry import SOURCE_OF, SOURCES
from schemas.source import Proof, Refund, Role, Source, by_id
from schemas.touchpoints import Touchpoint
from tests.schemas.samples import example, plain, topic_of

#: The business keys of the examples, but for their beginning: markers of keys are stored, so a key
#: which changes makes events of the past count again.
KEYS = {
    "payment.succeeded.v1": "payment:{transaction_id}",
    "account.followed.v1": "{type}:{appid}:{openid}:{time}:{event_key}",
    "account.unfollowed.v1": "{type}:{appid}:{openid}:{time}:",
    "message.received.v1": "{type}:{appid}:{openid}:{msg_id}",
    "session.logged_in.v1": "{type}:{source}:{id}",
    "order.placed.v1": "order.placed.v1:{appid}:{openid}:{order_id}",
    "order.cancelled.v1": "order.placed.v1:{appid}:{openid}:{order_id}",
    "attendee.registered.v1": "{type}:{event_id}:{ticket_id}",
    "attendee.checked_in.v1": "{type}:{event_id}:{list_id}:{ticket_id}:1",
    "attendee.checked_out.v1": "{type}:{event_id}:{list_id}:{ticket_id}:1",
    "check_in.reverted.v1": "attendee.checked_in.v1:{event_id}:{list_id}:{ticket_id}:1",
    "coupon.received.v1": "{type}:{stock_id}:{coupon_code}",
    "coupon.used.v1": "{type}:{stock_id}:{coupon_code}",
    "card.accepted.v1": "{type}:{appid}:{openid}:{card_id}:{card_code}",
    "card.used.v1": "{type}:{appid}:{openid}:{card_id}:{card_code}:{transaction_id}",
    "mall.authorised.v1": "{type}:{appid}:{openid}:{mchid}",
    "notice.delivered.v1": "{type}:{appid}:{openid}:{msg_id}",
    "subscription.answered.v1": "{type}:{appid}:{openid}:{time}:{template_id}",
    "unionid.resolved.v1": "{type}:{appid}:{openid}:{unionid}",
    "openid.changed.v1": "{type}:{appid}:{openid}:{former_appid}:{former_openid}",
    "member.enrolled.v1": "{type}:{member_id}",
    "consent.granted.v1": "{type}:{source}:{id}",
}


@pytest.mark.parametrize("type_", KEYS)
def test_a_business_key_never_changes(type_: str) -> None:
    value, headers = plain(example(type_))
    event = decode(value, headers, topic_of(type_))
    known = {name: value for name, value in event.data.model_dump().items() if value is not None}
    known |= {"type": type_, "source": event.source, "id": event.id, "time": event.time_ms}
    assert SOURCE_OF[type_].key(event) == KEYS[type_].format(**known)


def person_fields(schema: Any, name: str = "") -> Iterator[str]:
    """Names of fields, at any depth of a JSON Schema, that hold an openid or a Union ID."""
    described = TypeAdapter(PersonId).json_schema()["description"]
    if isinstance(schema, list):
        for item in schema:
            yield from person_fields(item, name)
    elif isinstance(schema, dict):
        if schema.get("description") == described:
            yield name
        for key, value in schema.items():
            inside = isinstance(value, dict) and key in ("properties", "$defs")
            for field, inner in value.items() if inside else [(name, value)]:
                yield from person_fields(inner, field)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.type)
def test_each_field_with_an_id_of_a_person_is_named_so_that_an_erasure_finds_it(
    source: Source,
) -> None:
    schema = TypeAdapter(source.model).json_schema()
    assert set(person_fields(schema)) == set(source.people)


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"touchpoint": None}, "touchpoint"),
        ({"role": Role.CONSENT}, "touchpoint"),
        ({"role": Role.REVERSAL}, "happened"),
        ({"role": Role.REFUND, "touchpoint": None}, "refund"),
        ({"refund": lambda data: Refund("r", 1, 1, "")}, "refund"),
        ({"role": Role.PAYMENT}, "payment"),
        ({"role": Role.PAYMENT, "payment": "tid", "fields": {"total_fen": int}}, "fields"),
        ({"bases": ("total_fen",)}, "bases"),
        ({"bases": ("path",), "fields": {"path": str}}, "bases"),
        ({"proves": frozenset({Proof.PAYER})}, "proves"),
        ({"payments": "a.b"}, "payments"),
    ],
)
def test_a_record_that_contradicts_itself_cannot_be_made(more: dict[str, Any], what: str) -> None:
    usual: dict[str, Any] = {"type": "x.seen.v1", "model": None, "topics": ("x",), "key": by_id}
    usual |= {"people": (), "touchpoint": Touchpoint.SCAN}
    Source(**usual)
    with pytest.raises(ValueError, match=rf"^x\.seen\.v1: {what} does not fit"):
        Source(**(usual | more))
