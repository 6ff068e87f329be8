# SPDX-License-Identifier: Apache-2.0
"""Parses a client's batch of events and checks each event on its own. Pure.

The body is ``{"events": [...]}`` with 1 to 100 events, and ``"token"`` from an SDK. An event has
``id``, ``type``, ``time`` and ``data``, as in Kafka (``schemas.codec``); ``specversion`` and
``source`` may be left out, since the gateway is the source. An SDK may also send analytics tracks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson
from pydantic import ValidationError

from schemas import (
    CONTRACTS,
    Event,
    Refused,
    known_id,
    parse_consumer_id,
    parse_time,
    read_attributes,
    read_data,
    time_ms,
)
from schemas.base import Closed
from schemas.coupons import COUPON_RECEIVED
from schemas.validation_errors import describe
from stream.brand.clients import OF_MERCHANTS, RIGHT_FOR, Client, ClientKind, Right
from stream.engine.intake.event_to_messages import unlisted
from stream.engine.model.directory import Directory
from stream.engine.model.ids import digest
from stream.engine.model.time_checks import Horizons, untimely
from stream.gateway.endpoints.analytics import is_track, read_track
from stream.gateway.endpoints.event_results import (
    EventRejected,
    EventResult,
    Reason,
    Status,
)
from stream.wechat.delivery_result import DeliveryRejected, OutboundEvent, RejectReason

EVENTS_MAX: Final = 100
#: An SDK retries for some days. Older events could be made up to evade the daily caps of rules.
SDK_AGE_MAX_MS: Final = 3 * 86_400_000

_REQUIRED: Final = ("id", "type", "time")
#: The fields that identify a person; for an SDK only the token does.
_WHO: Final = frozenset({"appid", "openid", "unionid", "open_account", "consumer_id"})
_APPS: Final = ("appid", "former_appid")
_MERCHANTS: Final = ("mchid", "sp_mchid", "sub_mchid")


class Batch(NamedTuple):
    """The parsed body; its events are not checked yet."""

    events: Sequence[object]
    token: str | None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent the batch; ``origin`` is ``(appid, openid)`` from an SDK's session token."""

    client: Client
    directory: Directory
    now_ms: int
    horizons: Horizons
    origin: tuple[str, str] | None = None


class _Reported(NamedTuple):
    """An event as reported; ``id`` is unique among the client's events of one person."""

    id: str
    type: str
    time: object
    data: Mapping[str, Any]


def read_batch(body: bytes) -> Batch:
    """Parse a body; raises ``DeliveryRejected`` if it is no batch."""
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _malformed("The body is not JSON in UTF-8, or nested too deeply.") from None
    if not isinstance(tree, dict) or not tree.keys() <= {"events", "token"}:
        raise _malformed("$ must be an object with events and, from an SDK, token.")
    events, token = tree.get("events"), tree.get("token")
    if not isinstance(events, list) or not 0 < len(events) <= EVENTS_MAX:
        raise _malformed(f"$.events must be an array of 1 to {EVENTS_MAX} events.")
    if token is not None and not isinstance(token, str):
        raise _malformed("$.token must be a string.")
    return Batch(events, token)


def _malformed(message: str) -> DeliveryRejected:
    return DeliveryRejected(RejectReason.MALFORMED, message)


def check_events(events: Sequence[object], sender: Sender) -> list[EventResult]:
    """The result of each event, in order."""
    return check_each(events, lambda item, place: sender)


def check_each(
    events: Sequence[object], sender_of: Callable[[object, str], Sender], at: str = "$.events"
) -> list[EventResult]:
    """Like `check_events`, each event with a sender of its own.

    ``sender_of`` an event and its place may raise ``EventRejected``; ``at`` is the place of all.
    """
    results: list[EventResult] = []
    known: dict[str, tuple[int, OutboundEvent]] = {}
    for number, item in enumerate(events):
        place = f"{at}[{number}]"
        try:
            event = _event(item, place, sender_of(item, place))
            results.append(_once(event, number, known, at))
        except EventRejected as error:
            results.append(EventResult(Status.REJECTED, reason=error.reason, message=error.message))
    return results


def _once(
    event: OutboundEvent | None, number: int, known: dict[str, tuple[int, OutboundEvent]], at: str
) -> EventResult:
    if event is None:
        return EventResult(Status.IGNORED)
    first, same = known.setdefault(event.id, (number, event))
    if first == number or same == event:
        return EventResult(Status.ACCEPTED, event)
    raise EventRejected(
        Reason.REPEATED_ID,
        f"{at}[{number}].id is also that of {at}[{first}], which differs.",
    )


def _event(item: object, place: str, sender: Sender) -> OutboundEvent | None:
    if not isinstance(item, dict):
        raise EventRejected(Reason.INVALID_EVENT, f"{place} must be a JSON object.")
    if sender.client.kind is ClientKind.SDK and is_track(item):
        reported = _track(item, place)
    else:
        reported = _reported(item, place)
    if reported is None:
        return None
    type_ = _type(reported.type, place, sender.client)
    time = _time(reported.time, place)
    if sender.origin is not None and time_ms(time) < sender.now_ms - SDK_AGE_MAX_MS:
        raise EventRejected(Reason.TOO_LATE, f"{place}.time is more than three days ago.")
    model = _model(type_, _with_origin(reported.data, place, sender), place)
    _check_times(type_, model, time_ms(time), place, sender)
    if sender.origin is None:
        _check_people(model, place, sender)
        _check_rights(type_, model, place, sender.client)
        id_ = f"{sender.client.id}:{reported.id}"
    else:
        id_ = f"{sender.client.id}:{digest(*sender.origin)}:{reported.id}"
    _check_listed(Event(id_, "", type_, time, time_ms(time), model), place, sender)
    return OutboundEvent(CONTRACTS[type_].topics[0], type_, id_, time, model, sender.client.id)


def _reported(item: Mapping[str, Any], place: str) -> _Reported:
    try:
        data = read_data(item, f"{place}.")
        given = read_attributes(item, f"{place}.", _REQUIRED)
    except Refused as rejected:
        raise EventRejected(Reason.INVALID_EVENT, rejected.message) from None
    if not isinstance(data, dict):
        raise EventRejected(Reason.INVALID_EVENT, f"{place}.data must be a JSON object.")
    return _Reported(known_id(given["id"]), given["type"], given["time"], data)


def _track(item: Mapping[str, Any], place: str) -> _Reported | None:
    track = read_track(item, place)
    if track is None:
        return None
    content = orjson.dumps(track.data, option=orjson.OPT_SORT_KEYS)
    return _Reported(digest(track.mark, track.time, content), track.type, track.time, track.data)


def _type(value: str, place: str, client: Client) -> str:
    contract = CONTRACTS.get(value)
    if contract is None or contract.direction != "in":
        raise EventRejected(
            Reason.UNKNOWN_TYPE, f"{place}.type is not an event type that is read here."
        )
    if contract.type not in client.types:
        raise EventRejected(Reason.NOT_ALLOWED, f"{place}.type is not among this client's types.")
    return contract.type


def _time(value: object, place: str) -> Any:
    try:
        return parse_time(value)
    except ValueError as error:
        raise EventRejected(Reason.INVALID_EVENT, f"{place}.time {error}.") from None


def _check_times(type_: str, model: Closed, at_ms: int, place: str, sender: Sender) -> None:
    """Reject here what would be a dead letter in the engine: the client can correct it."""
    late = untimely(type_, model, at_ms, sender.horizons, sender.now_ms, sender.now_ms)
    if late is not None:
        raise EventRejected(Reason(late.reason.value), f"{place}: {late.message}")


def _check_listed(event: Event, place: str, sender: Sender) -> None:
    """Reject events about an app or account that is not in the apps file."""
    if (unknown := unlisted(event, sender.directory)) is not None:
        raise EventRejected(Reason.UNKNOWN_APP, f"{place}.data: {unknown.message}")


def _with_origin(data: Mapping[str, Any], place: str, sender: Sender) -> dict[str, Any]:
    if sender.origin is None:
        return dict(data)
    if not _WHO.isdisjoint(data):
        raise EventRejected(
            Reason.NOT_ALLOWED,
            f"{place}.data names a person; leave that to the session token.",
        )
    appid, openid = sender.origin
    return {**data, "appid": appid, "openid": openid}


def _model(type_: str, data: dict[str, Any], place: str) -> Closed:
    try:
        return CONTRACTS[type_].validate(data)
    except ValidationError as error:
        message = describe(error).replace("$.data", f"{place}.data")
    raise EventRejected(Reason.INVALID_DATA, message)


def _check_people(model: Any, place: str, sender: Sender) -> None:
    """The people that the event names must belong to the client's apps."""
    named = getattr(model, "origin", None)
    apps, unions = _named(model, _APPS), _named(model, ("open_account",))
    if named:
        apps.add(named[0])
    if consumer := vars(model).get("consumer_id"):
        who = parse_consumer_id(consumer)
        (apps if who.kind == "origin" else unions).add(who.scope)
    if not apps <= sender.client.appids or (unions and not unions <= _accounts(sender)):
        raise EventRejected(
            Reason.NOT_ALLOWED,
            f"{place}.data names a person of an app that is not this client's.",
        )


def _named(model: Any, fields: Sequence[str]) -> set[str]:
    """The values of those of the fields that a model has and that are given."""
    given = vars(model)  # pydantic searches long for an attribute that a model lacks
    return {value for field in fields if (value := given.get(field)) is not None}


def _accounts(sender: Sender) -> set[str | None]:
    """The Open Platform accounts in which the client's apps are, or were."""
    mine, directory = sender.client.appids, sender.directory
    now = {directory.open_account(appid) for appid in mine}
    return now | {directory.moves[appid].account for appid in mine if appid in directory.moves}


def _check_rights(type_: str, model: Any, place: str, client: Client) -> None:
    """Payments must be of the client's merchants; merging people needs a right."""
    if type_ in OF_MERCHANTS and not _named(model, _MERCHANTS) <= client.mchids:
        raise EventRejected(
            Reason.NOT_ALLOWED,
            f"{place}.data is of a merchant who is not among this client's.",
        )
    right = RIGHT_FOR.get(type_)
    if type_ == COUPON_RECEIVED and model.transaction_id is not None:
        right = Right.NAME_PAYER
    if right is not None and right not in client.rights:
        raise EventRejected(
            Reason.NOT_ALLOWED,
            f"{place} needs the right {right}, see docs/first-party.md.",
        )
