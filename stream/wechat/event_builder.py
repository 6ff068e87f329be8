# SPDX-License-Identifier: Apache-2.0
"""Builds events from extracted fields, with ids that are the same in every retry."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, get_args

from pydantic import ValidationError

from schemas import CONTRACTS, Closed
from schemas.pay import TradeType
from schemas.topics import TOPIC_PAY
from schemas.validation_errors import describe
from stream.engine.model.ids import digest
from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent, RejectReason
from stream.wechat.details import without_invalid

_TRADE_TYPES: Final[frozenset[str]] = frozenset(get_args(TradeType))
_SAME: Final[Mapping[str, str]] = MappingProxyType({"FACE": "FACEPAY"})  # as bills write it


def trade_type(word: object) -> str:
    """WeChat's word for the way of paying; ``OTHER`` for any that is not among ours."""
    word = _SAME.get(word, word) if isinstance(word, str) else ""
    return word if word in _TRADE_TYPES else "OTHER"


def payment_id(transaction_id: str) -> str:
    """The id of a payment's event: the same from a notification and from a bill."""
    return f"payment:{transaction_id}"


def refund_id(refund_id: str) -> str:
    """The id of a refund's event: the same from a notification and from a bill."""
    return f"refund:{refund_id}"


def fact_id(type_: str, *parts: object) -> str:
    """The id of an event whose business key may contain characters not allowed in ids."""
    return f"{type_.removesuffix('.v1')}:{digest(*parts)}"


def checked(type_: str, data: Any, details: Set[str] = frozenset()) -> Closed:
    """Validate an event's data; raises `DeliveryRejected` with the path of each problem.

    ``details`` are fields that decide nothing about who, how much, when or which: what is invalid
    in one of these is left out, as little as possible, and rejects nothing.
    """
    validate = CONTRACTS[type_].validate
    while True:
        try:
            return validate(data)
        except ValidationError as error:
            left = without_invalid(data, error, details)
            if left is None:
                raise DeliveryRejected(RejectReason.MALFORMED, describe(error)) from None
            data = left


def event(
    type_: str, id_: str, time: datetime, data: Closed, topic: str = TOPIC_PAY
) -> OutboundEvent:
    """An event for WeChat Pay's topic, or for another one."""
    return OutboundEvent(topic, type_, id_, time, data)
