"""Events of ours, made of what was picked, with ids which any repetition gives again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ValidationError

from schemas import CONTRACTS, Closed
from schemas.problems import describe
from schemas.registry import TOPIC_PAY
from stream.engine.ids import digest
from stream.wechat.heard import NotHeard, Outgoing, Refusal


def payment_id(transaction_id: str) -> str:
    """The id of the event of a payment: the same for a notification and for a line of a bill."""
    return f"payment:{transaction_id}"


def refund_id(refund_id: str) -> str:
    """The id of the event of a refund: the same for a notification and for a line of a bill."""
    return f"refund:{refund_id}"


def fact_id(type_: str, *parts: object) -> str:
    """The id of an event whose business key has characters which ids may not have."""
    return f"{type_.removesuffix('.v1')}:{digest(*parts)}"


def checked(type_: str, data: Any) -> Closed:
    """The model of an event type; raises `NotHeard` with the place of each problem."""
    try:
        return CONTRACTS[type_].validate(data)
    except ValidationError as error:
        raise NotHeard(Refusal.MALFORMED, describe(error)) from None


def event(type_: str, id_: str, time: datetime, data: Closed, topic: str = TOPIC_PAY) -> Outgoing:
    """An event of the topic of WeChat Pay, unless another one is named."""
    return Outgoing(topic, type_, id_, time, data)
