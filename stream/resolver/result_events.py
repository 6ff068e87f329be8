"""Turn the Union IDs that WeChat returned into records of ``unionid.resolved.v1``. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from schemas import binary_headers, encode_data
from schemas.topics import TOPIC_MINI_PROGRAM, TOPIC_OFFICIAL_ACCOUNT
from schemas.wechat_identity import UNIONID_RESOLVED, UnionidResolved
from stream.config.settings import Settings
from stream.engine.model.ids import digest, origin_key
from stream.resolver.lookups import Api, Lookup
from stream.tables import Record


def result_records(
    settings: Settings,
    api: Api,
    lookups: tuple[Lookup, ...],
    unionids: Mapping[str, str],
    called_ms: int,
) -> list[Record]:
    """A record for each lookup that found a Union ID.

    A repeated lookup gives an event with the same id. The event's time is the time of the call:
    the answer holds for the Open Platform account that the app was in then, and it must not bring
    back a person who has asked to be erased since.
    """
    found = [(lookup, unionids[lookup.openid]) for lookup in lookups if lookup.openid in unionids]
    return [_record(settings, api, lookup, unionid, called_ms) for lookup, unionid in found]


def _record(settings: Settings, api: Api, lookup: Lookup, unionid: str, called_ms: int) -> Record:
    answer = UnionidResolved(
        appid=lookup.appid,
        openid=lookup.openid,
        unionid=unionid,
        method=api.value,
        transaction_id=lookup.transaction_id or None,
    )
    id_ = f"unionid.{digest(lookup.appid, lookup.openid, unionid)}"
    topic = TOPIC_MINI_PROGRAM if api is Api.PAID else TOPIC_OFFICIAL_ACCOUNT
    source = f"urn:shadowpoints:{settings.namespace}:resolver"
    return Record(
        settings.topics.prefix + topic,
        origin_key(lookup.appid, lookup.openid).encode(),
        encode_data(answer),
        tuple(binary_headers(UNIONID_RESOLVED, id_, source, called_ms)),
    )
