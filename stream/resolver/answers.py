"""What WeChat told, as events for the engine. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from schemas import binary_headers, encode_data
from schemas.answers import UNIONID_RESOLVED, UnionidResolved
from schemas.registry import TOPIC_MINI_PROGRAM, TOPIC_OFFICIAL_ACCOUNT
from stream.engine.ids import digest, origin_key
from stream.resolver.asks import Api, Ask
from stream.settings import Settings
from stream.tables import Record


def records_of(
    settings: Settings, api: Api, asks: tuple[Ask, ...], unionids: Mapping[str, str], asked_ms: int
) -> list[Record]:
    """An event for each ask with an answer.

    The id is the same whenever the same is asked for again. The time is when WeChat was asked: its
    answer is of the Open Platform account which the app was in then, and whoever has wanted to be
    forgotten since is not brought back by it.
    """
    found = [(ask, unionids[ask.openid]) for ask in asks if ask.openid in unionids]
    return [_record(settings, api, ask, unionid, asked_ms) for ask, unionid in found]


def _record(settings: Settings, api: Api, ask: Ask, unionid: str, asked_ms: int) -> Record:
    answer = UnionidResolved(
        appid=ask.appid,
        openid=ask.openid,
        unionid=unionid,
        method=api.value,
        transaction_id=ask.transaction_id or None,
    )
    id_ = f"unionid.{digest(ask.appid, ask.openid, unionid)}"
    topic = TOPIC_MINI_PROGRAM if api is Api.PAID else TOPIC_OFFICIAL_ACCOUNT
    source = f"urn:shadowpoints:{settings.namespace}:resolver"
    return Record(
        settings.topics.prefix + topic,
        origin_key(ask.appid, ask.openid).encode(),
        encode_data(answer),
        tuple(binary_headers(UNIONID_RESOLVED, id_, source, asked_ms)),
    )
