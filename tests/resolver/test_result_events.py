# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from schemas import decode
from schemas.wechat_identity import UnionidResolved
from stream.config.settings import load_settings
from stream.resolver.lookups import Api, Lookup
from stream.resolver.result_events import result_records
from stream.tables import Record

SETTINGS = load_settings({"SHADOWPOINTS_TOPIC_PREFIX": "t."})
NOW = 1_772_323_200_000
ASK = Lookup(Api.PAID, "wxmp", "oMei", NOW - 1_000, NOW + 1_000, "4200")


def records(lookup: Lookup, api: Api | None = None, called_ms: int = NOW) -> list[Record]:
    return result_records(SETTINGS, api or lookup.api, (lookup,), {"oMei": "uMei"}, called_ms)


def test_an_answer_is_an_event_on_the_topic_of_the_apps_kind() -> None:
    [record] = records(ASK)
    event = decode(record.value, record.headers, "wechat.mini-program")
    assert record.topic == "t.wechat.mini-program"
    assert record.key == b"origin.wxmp.oMei"
    assert event.time_ms == NOW
    assert event.data == UnionidResolved(
        appid="wxmp",
        openid="oMei",
        unionid="uMei",
        method="get_paid_unionid",
        transaction_id="4200",
    )
    follower = Lookup(Api.BATCH, "wxoa", "oMei", NOW, NOW + 1)
    [record] = records(follower, Api.INFO)
    assert record.topic == "t.wechat.official-account"
    resolved = decode(record.value, record.headers, "wechat.official-account").data
    assert isinstance(resolved, UnionidResolved)
    assert (resolved.method, resolved.transaction_id) == ("user_info", None)


def test_asked_again_it_is_the_same_event() -> None:
    first, again = records(ASK), records(ASK, called_ms=NOW + 500)
    ids = [dict(record.headers)["ce_id"] for record in (*first, *again)]
    assert ids[0] == ids[1]
    assert first[0].value == again[0].value


def test_who_has_no_union_id_is_no_event() -> None:
    assert result_records(SETTINGS, Api.PAID, (ASK,), {"oLi": "uLi"}, NOW) == []
