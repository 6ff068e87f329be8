# SPDX-License-Identifier: Apache-2.0
"""Reads a request for what is known of one consumer, and whether this client may ask. Pure.

The body names one person by ``appid`` and ``openid``, ``open_account`` and ``unionid``,
``transaction_id`` (of WeChat Pay), or ``token``. It may report an ``event`` of theirs first, as in
a batch (`batch_parser`), and says with ``within_s`` how long to wait until the engine has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
import orjson
from msgspec import UNSET, UnsetType

from stream.brand.clients import Client, ClientKind, Right
from stream.engine.model.directory import Directory
from stream.engine.model.ids import origin_key, payment_key, union_key
from stream.wechat.delivery_result import DeliveryRejected, RejectReason

#: The longest wait that may be asked for; the response has its own limit, too.
WITHIN_S_MAX: Final = 3.0
ID_CHARS_MAX: Final = 128

#: The fields that name one person, by each way to do it.
WAYS: Final = (
    ("appid", "openid"),
    ("open_account", "unionid"),
    ("transaction_id",),
    ("token",),
)


class ConsumerRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The body. Exactly one of the four ways names the person."""

    appid: str | UnsetType = UNSET
    openid: str | UnsetType = UNSET
    open_account: str | UnsetType = UNSET
    unionid: str | UnsetType = UNSET
    transaction_id: str | UnsetType = UNSET
    token: str | UnsetType = UNSET
    event: dict[str, Any] | UnsetType = UNSET
    within_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose state: the key of an origin, a profile or a payment, or a session's token."""

    key: str = ""
    token: str | None = None


def read_request(body: bytes) -> ConsumerRequest:
    """Raises ``DeliveryRejected``, with what is wrong and where."""
    try:
        request = msgspec.convert(orjson.loads(body), ConsumerRequest)
    except orjson.JSONDecodeError:
        raise _malformed("The body is not JSON in UTF-8.") from None
    except msgspec.ValidationError as error:
        raise _malformed(f"{error}."[:300]) from None
    if not 0 <= request.within_s <= WITHIN_S_MAX:
        raise _malformed(f"$.within_s must be from 0 to {WITHIN_S_MAX:g}.")
    return request


def wanted(request: ConsumerRequest, client: Client, directory: Directory) -> Wanted:
    """Whom the request is about; raises ``DeliveryRejected`` if the client may not ask."""
    given = {name for way in WAYS for name in way if getattr(request, name) is not UNSET}
    if given not in [set(way) for way in WAYS]:
        raise _malformed(
            "$ must name one person: appid and openid, open_account and unionid, "
            "transaction_id, or token."
        )
    ids = {name: getattr(request, name) for name in sorted(given)}
    token = ids.pop("token", None)
    for name, value in ids.items():
        if not 0 < len(value) <= ID_CHARS_MAX or "." in value or not value.isprintable():
            raise _malformed(f"$.{name} is no id.")
    if Right.LOOK_UP not in client.rights:
        raise _not_allowed("This client lacks the right look_up.")
    if (client.kind is ClientKind.SDK) != (token is not None):
        raise _not_allowed(
            "$.token is for clients of kind sdk, and they have nothing else: whoever holds the "
            "token may see what is theirs."
        )
    if token is not None:
        return Wanted(token=token)
    if "transaction_id" in ids:
        return Wanted(payment_key(ids["transaction_id"]))
    if "openid" in ids:
        if ids["appid"] not in client.appids:
            raise _not_allowed("$.appid is not among this client's apps.")
        return Wanted(origin_key(ids["appid"], ids["openid"]))
    if ids["open_account"] not in map(directory.open_account, client.appids):
        raise _not_allowed("$.open_account is of none of this client's apps.")
    return Wanted(union_key(ids["open_account"], ids["unionid"]))


def _malformed(message: str) -> DeliveryRejected:
    return DeliveryRejected(RejectReason.MALFORMED, message)


def _not_allowed(message: str) -> DeliveryRejected:
    return DeliveryRejected(RejectReason.NOT_ALLOWED, message)
