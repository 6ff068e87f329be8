"""A batch of events from a client which has signed it: each one is judged for itself. Pure.

The body is ``{"events": [...]}`` with 1 to 100 events, and ``"token"`` from an SDK. An event of
ours is ``{"id", "type", "time", "data"}``, as in Kafka's envelope; an SDK may send tracks of its
analytics as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson
from pydantic import ValidationError

from schemas import CONTRACTS, parse_consumer_id, parse_time, time_ms
from schemas.base import Closed
from schemas.problems import describe
from stream.engine.directory import Directory
from stream.engine.ids import digest
from stream.engine.routing import SKEW_MS
from stream.gateway.doors.analytics import is_track, read_track
from stream.gateway.doors.clients import Client, ClientKind
from stream.gateway.doors.judging import BadEvent, Judged, Status, Why
from stream.wechat.heard import NotHeard, Outgoing, Refusal

EVENTS_MAX: Final = 100
#: An SDK resends for some days what it could not deliver. Older events could be made up, to go
#: round the limits which rules have per day.
SDK_AGE_MAX_MS: Final = 3 * 86_400_000

_ID = re.compile(r"[A-Za-z0-9_.~-]{1,128}", re.ASCII)
_FIELDS: Final = frozenset({"id", "type", "time", "data"})
#: What says who somebody is: in what an SDK sends, the token alone does.
_WHO: Final = frozenset({"appid", "openid", "unionid", "open_account", "consumer_id"})
_APPS: Final = ("appid", "former_appid")


class Batch(NamedTuple):
    """What was sent, not yet judged."""

    events: Sequence[object]
    token: str | None


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose events they are; ``origin`` is who an SDK's token says it is, ``(appid, openid)``."""

    client: Client
    directory: Directory
    now_ms: int
    origin: tuple[str, str] | None = None


class _Said(NamedTuple):
    """An event as it was said; ``id`` is unique among what the client says of one person."""

    id: str
    type: object
    time: object
    data: Mapping[str, Any]


def read_batch(body: bytes) -> Batch:
    """The batch in a body; raises ``NotHeard`` unless it is one."""
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


def _malformed(message: str) -> NotHeard:
    return NotHeard(Refusal.MALFORMED, message)


def judge(events: Sequence[object], sender: Sender) -> list[Judged]:
    """What becomes of each event, in order."""
    judged: list[Judged] = []
    known: dict[str, tuple[int, Outgoing]] = {}
    for number, item in enumerate(events):
        try:
            event = _event(item, f"$.events[{number}]", sender)
            judged.append(_once(event, number, known))
        except BadEvent as bad:
            judged.append(Judged(Status.REFUSED, why=bad.why, message=bad.message))
    return judged


def _once(event: Outgoing | None, number: int, known: dict[str, tuple[int, Outgoing]]) -> Judged:
    if event is None:
        return Judged(Status.IGNORED)
    first, same = known.setdefault(event.id, (number, event))
    if first == number or same == event:
        return Judged(Status.ACCEPTED, event)
    raise BadEvent(
        Why.REPEATED_ID, f"$.events[{number}].id is that of $.events[{first}], which differs."
    )


def _event(item: object, place: str, sender: Sender) -> Outgoing | None:
    if not isinstance(item, dict):
        raise BadEvent(Why.INVALID_EVENT, f"{place} must be a JSON object.")
    if sender.client.kind is ClientKind.SDK and is_track(item):
        said = _track(item, place)
    else:
        said = _own(item, place)
    if said is None:
        return None
    type_ = _type(said.type, place, sender.client)
    time = _time(said.time, place)
    _check_time(time_ms(time), place, sender)
    model = _model(type_, _named(said.data, place, sender), place)
    if sender.origin is None:
        _check_people(model, place, sender)
        id_ = f"{sender.client.id}:{said.id}"
    else:
        id_ = f"{sender.client.id}:{digest(*sender.origin)}:{said.id}"
    return Outgoing(CONTRACTS[type_].topics[0], type_, id_, time, model)


def _own(item: Mapping[str, Any], place: str) -> _Said:
    if not item.keys() <= _FIELDS:
        raise BadEvent(Why.INVALID_EVENT, f"{place} has a field besides id, type, time and data.")
    id_, data = item.get("id"), item.get("data")
    if not isinstance(id_, str) or not _ID.fullmatch(id_):
        raise BadEvent(
            Why.INVALID_EVENT, f"{place}.id must be 1 to 128 characters of A-Z a-z 0-9 _ . ~ -."
        )
    if not isinstance(data, dict):
        raise BadEvent(Why.INVALID_EVENT, f"{place}.data must be a JSON object.")
    return _Said(id_, item.get("type"), item.get("time"), data)


def _track(item: Mapping[str, Any], place: str) -> _Said | None:
    track = read_track(item, place)
    if track is None:
        return None
    content = orjson.dumps(track.data, option=orjson.OPT_SORT_KEYS)
    return _Said(digest(track.mark, track.time, content), track.type, track.time, track.data)


def _type(value: object, place: str, client: Client) -> str:
    contract = CONTRACTS.get(value) if isinstance(value, str) else None
    if contract is None or contract.direction != "in":
        raise BadEvent(Why.UNKNOWN_TYPE, f"{place}.type is no event type which is read here.")
    if contract.type not in client.types:
        raise BadEvent(Why.NOT_ALLOWED, f"{place}.type is not among this client's types.")
    return contract.type


def _time(value: object, place: str) -> Any:
    try:
        return parse_time(value)
    except ValueError as error:
        raise BadEvent(Why.INVALID_EVENT, f"{place}.time {error}.") from None


def _check_time(at_ms: int, place: str, sender: Sender) -> None:
    if at_ms > sender.now_ms + SKEW_MS:
        raise BadEvent(Why.IN_FUTURE, f"{place}.time is ahead of now; mend the client's clock.")
    if sender.origin is not None and at_ms < sender.now_ms - SDK_AGE_MAX_MS:
        raise BadEvent(Why.TOO_LATE, f"{place}.time is more than three days ago.")


def _named(data: Mapping[str, Any], place: str, sender: Sender) -> dict[str, Any]:
    if sender.origin is None:
        return dict(data)
    if not _WHO.isdisjoint(data):
        raise BadEvent(
            Why.NOT_ALLOWED, f"{place}.data names a person; leave that to the session token."
        )
    appid, openid = sender.origin
    return {**data, "appid": appid, "openid": openid}


def _model(type_: str, data: dict[str, Any], place: str) -> Closed:
    try:
        return CONTRACTS[type_].validate(data)
    except ValidationError as error:
        message = describe(error).replace("$.data", f"{place}.data")
    raise BadEvent(Why.INVALID_DATA, message)


def _check_people(model: Any, place: str, sender: Sender) -> None:
    """Whoever is named belongs to an app of the client's."""
    mine, directory = sender.client.appids, sender.directory
    accounts = {directory.open_account(appid) for appid in mine}
    accounts |= {directory.moves[appid].account for appid in mine if appid in directory.moves}
    named = getattr(model, "origin", None)
    apps = {named[0] if named else None, *(getattr(model, f, None) for f in _APPS)}
    unions = {getattr(model, "open_account", None)}
    if consumer := getattr(model, "consumer_id", None):
        who = parse_consumer_id(consumer)
        (apps if who.kind == "origin" else unions).add(who.scope)
    if not apps - {None} <= mine or not unions - {None} <= accounts:
        raise BadEvent(
            Why.NOT_ALLOWED, f"{place}.data names a person of an app which is not this client's."
        )
