# SPDX-License-Identifier: Apache-2.0
"""Turn what WeChat answered into records of events. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from schemas import Closed, binary_headers, encode_data
from schemas.shop import (
    SHOP_ORDER_PAID,
    SHOP_ORDER_REFUNDED,
    ShopOrderPaid,
    ShopOrderRefunded,
)
from schemas.topics import TOPIC_MINI_PROGRAM, TOPIC_OFFICIAL_ACCOUNT, TOPIC_PAY
from schemas.wechat_identity import UNIONID_RESOLVED, UnionidResolved
from stream.config.settings import Settings
from stream.engine.model.ids import digest, origin_key, payment_key
from stream.resolver.lookups import Api, Lookup
from stream.tables import Record


def result_records(
    settings: Settings,
    api: Api,
    lookups: tuple[Lookup, ...],
    unionids: Mapping[str, str],
    called_ms: int,
) -> list[Record]:
    """A record of ``unionid.resolved.v1`` for each lookup that found a Union ID.

    A repeated lookup gives an event with the same id. The event's time is the time of the call:
    the answer holds for the Open Platform account that the app was in then, and it must not bring
    back a person who has asked to be erased since.
    """
    found = [(lookup, unionids[lookup.openid]) for lookup in lookups if lookup.openid in unionids]
    return [_record(settings, api, lookup, unionid, called_ms) for lookup, unionid in found]


def _record(settings: Settings, api: Api, lookup: Lookup, unionid: str, called_ms: int) -> Record:
    method: Any = api.value
    answer = UnionidResolved(
        appid=lookup.appid,
        openid=lookup.openid,
        unionid=unionid,
        method=method,
        transaction_id=lookup.transaction_id or None,
    )
    id_ = f"unionid.{digest(lookup.appid, lookup.openid, unionid)}"
    topic = TOPIC_MINI_PROGRAM if api is Api.PAID else TOPIC_OFFICIAL_ACCOUNT
    key = origin_key(lookup.appid, lookup.openid)
    return _event(settings, topic, key, UNIONID_RESOLVED, id_, called_ms, answer)


def shop_records(
    settings: Settings, paid: ShopOrderPaid, refunded: ShopOrderRefunded | None
) -> list[Record]:
    """The payment for a shop's order, and a refund of it; read again they have the same ids.

    Their times are those of the payment and of the refund, so they cannot bring back a person who
    has asked to be erased since.
    """
    key = origin_key(*paid.origin)
    id_ = f"shop_order.paid.{digest(paid.appid, paid.order_id)}"
    records = [_event(settings, TOPIC_PAY, key, SHOP_ORDER_PAID, id_, paid.paid_at, paid)]
    if refunded is not None:
        key = payment_key(refunded.transaction_id)
        id_ = f"shop_order.refunded.{digest(refunded.appid, refunded.refund_id)}"
        at = refunded.refunded_at
        records.append(_event(settings, TOPIC_PAY, key, SHOP_ORDER_REFUNDED, id_, at, refunded))
    return records


def _event(
    settings: Settings,
    topic: str,
    key: str,
    type_: str,
    id_: str,
    at: int | datetime,
    data: Closed,
) -> Record:
    source = f"urn:shadowpoints:{settings.namespace}:resolver"
    headers = tuple(binary_headers(type_, id_, source, at))
    return Record(settings.topics.prefix + topic, key.encode(), encode_data(data), headers)
