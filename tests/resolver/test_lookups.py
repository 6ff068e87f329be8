# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas import decode, time_ms
from schemas.registry import CONTRACTS
from schemas.shop import ShopOrderChanged
from stream.resolver.lookups import (
    PAID_WINDOW_MS,
    Api,
    Lookup,
    OrderLookup,
    lookup_of,
    order_lookup,
)
from tests.schemas.samples import example, topic_of
from tests.support import payloads

OA, MP = "wx1a2b3c4d5e6f7a01", "wx1a2b3c4d5e6f7a02"
KINDS = {OA: "official_account", MP: "mini_program"}
TIME = "2026-03-01T08:00:00+08:00"
MS = 1_772_323_200_000
DAY_MS = 86_400_000
PAYMENT = payloads.payment("2026-03-01T07:59:58+08:00", "4200", "oMei", 1850, appid=MP)
PARTNER = {
    **{k: v for k, v in PAYMENT.items() if k not in ("appid", "mchid", "payer")},
    "sp_appid": "wxprovider",
    "sp_mchid": "1900000009",
    "sub_mchid": "1900000001",
    "payer": {"sp_openid": "oProvided"},
}


def asked(topic: str, type_: str, data: dict[str, Any]) -> Lookup | None:
    event = decode(payloads.structured(type_, "1", TIME, data), [], topic)
    return lookup_of(event, KINDS, DAY_MS)


def of_payment(data: dict[str, Any]) -> Lookup | None:
    return asked("wechat.pay", "payment.succeeded.v1", data)


def of_push(type_: str, **data: Any) -> Lookup | None:
    return asked("wechat.official-account", type_, {"appid": OA, "openid": "oMei", **data})


def test_a_payment_in_a_mini_program_has_five_minutes() -> None:
    paid = MS - 2_000
    expected = Lookup(Api.PAID, MP, "oMei", paid, paid + PAID_WINDOW_MS, "4200")
    assert of_payment(PAYMENT) == expected


def test_a_payer_of_an_official_account_may_be_a_follower() -> None:
    paid = MS - 2_000
    assert of_payment(PAYMENT | {"appid": OA}) == Lookup(Api.BATCH, OA, "oMei", paid, paid + DAY_MS)


def test_a_provider_knows_the_payer_in_the_merchants_own_app() -> None:
    own = PARTNER | {"sub_appid": MP, "payer": {"sp_openid": "oProvided", "sub_openid": "oMei"}}
    found = of_payment(own)
    assert found is not None
    assert (found.api, found.origin) == (Api.PAID, (MP, "oMei"))
    assert of_payment(PARTNER) is None


def test_an_app_without_a_secret_is_not_asked_for() -> None:
    assert of_payment(PAYMENT | {"appid": "wxother"}) is None


def test_a_follow_is_urgent_and_any_other_sign_of_a_follower_is_not() -> None:
    assert of_push("account.followed.v1") == Lookup(Api.INFO, OA, "oMei", MS, MS + DAY_MS)
    message = of_push("message.received.v1", msg_id="1", msg_type="text")
    assert message == Lookup(Api.BATCH, OA, "oMei", MS, MS + DAY_MS)
    assert of_push("account.unfollowed.v1") is None


def test_an_answer_raises_no_question() -> None:
    assert of_push("unionid.resolved.v1", unionid="uMei", method="user_info") is None
    card = of_push("card.accepted.v1", card_id="pCard", unionid="uMei")
    assert card is None


def test_a_hint_asks_for_an_order_or_for_an_after_sale() -> None:
    hint = ShopOrderChanged(appid="wxshop", order_id="37")
    order = order_lookup(hint, MS, MS + DAY_MS)
    assert order == OrderLookup(Api.ORDER, "wxshop", "37", MS, MS + DAY_MS)
    sale = hint.model_copy(update={"after_sale_order_id": "37"})
    assert order_lookup(sale, MS, MS + 1).api is Api.AFTER_SALE
    assert order_lookup(sale, MS, MS + 1).key != order.key


@pytest.mark.parametrize("type_", sorted(t for t, c in CONTRACTS.items() if c.direction == "in"))
def test_every_type_of_event_raises_a_question_or_none(type_: str) -> None:
    event = decode(orjson.dumps(example(type_)), [], topic_of(type_))
    lookup = lookup_of(event, KINDS, DAY_MS)
    assert lookup is None or lookup.since_ms <= time_ms(event.time) < lookup.by_ms
