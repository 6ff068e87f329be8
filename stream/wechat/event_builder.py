"""Builds events from extracted fields, with ids that are the same in every retry."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ValidationError

from schemas import CONTRACTS, Closed
from schemas.topics import TOPIC_PAY
from schemas.validation_errors import describe
from stream.engine.model.ids import digest
from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent, RejectReason


def payment_id(transaction_id: str) -> str:
    """The id of a payment's event: the same from a notification and from a bill."""
    return f"payment:{transaction_id}"


def refund_id(refund_id: str) -> str:
    """The id of a refund's event: the same from a notification and from a bill."""
    return f"refund:{refund_id}"


def fact_id(type_: str, *parts: object) -> str:
    """The id of an event whose business key may contain characters not allowed in ids."""
    return f"{type_.removesuffix('.v1')}:{digest(*parts)}"


def checked(type_: str, data: Any) -> Closed:
    """Validate an event's data; raises `DeliveryRejected` with the path of each problem."""
    try:
        return CONTRACTS[type_].validate(data)
    except ValidationError as error:
        raise DeliveryRejected(RejectReason.MALFORMED, describe(error)) from None


def event(
    type_: str, id_: str, time: datetime, data: Closed, topic: str = TOPIC_PAY
) -> OutboundEvent:
    """An event for WeChat Pay's topic, or for another one."""
    return OutboundEvent(topic, type_, id_, time, data)
