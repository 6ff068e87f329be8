# SPDX-License-Identifier: Apache-2.0
"""Orders and after-sales over real HTTP: what is published, and what WeChat's faults lead to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from schemas import Event, decode, time_ms
from schemas.shop import ShopOrderPaid, ShopOrderRefunded
from stream.engine.model.directory import Directory, Move
from stream.engine.model.ids import origin_key, union_key
from stream.resolver.lookup_results import LookupOutcome
from stream.resolver.lookups import Api, OrderLookup
from tests.resolver.stage import Stage, now_ms, staged
from tests.services import wechat as paths
from tests.services.wechat import WeChat, after_sale, shop_order

pytestmark = pytest.mark.integration
SHOP, UNBOUND, MEI = "wx1a2b3c4d5e6f7a05", "wx1a2b3c4d5e6f7a06", "oShopMei00000000000000000001"
ORDER, SALE = 3705115058471208928, 2000000123456789
PAID_S = now_ms() // 1000 - 3_600


def order(number: int = ORDER, appid: str = SHOP, patience_ms: int = 20_000) -> OrderLookup:
    now = now_ms()
    return OrderLookup(Api.ORDER, appid, str(number), now, now + patience_ms)


def sale(number: int = SALE) -> OrderLookup:
    now = now_ms()
    return OrderLookup(Api.AFTER_SALE, SHOP, str(number), now, now + 20_000)


@pytest.fixture
async def stage(wechat: WeChat, redis_url: str, namespace: str) -> AsyncIterator[Stage]:
    detail = shop_order(ORDER, MEI, PAID_S, 12_900, unionid="uMei")
    for appid in (SHOP, UNBOUND):
        app = wechat.add_app(appid, f"secretof{appid}")
        app.orders = {str(ORDER): detail}
        app.after_sales = {str(SALE): after_sale(SALE, ORDER, PAID_S + 600, 5_900)}
    directory = Directory({SHOP: "abc-brand"}, appids=frozenset({SHOP, UNBOUND}))
    async with staged(wechat, redis_url, namespace, directory) as made:
        yield made


def events(stage: Stage) -> list[Event]:
    return [decode(r.value, r.headers, "wechat.pay") for r in stage.published]


async def test_an_order_is_a_payment_at_the_time_of_the_payment(stage: Stage) -> None:
    assert await stage.work(order()) == [LookupOutcome.PUBLISHED]
    [event], [record] = events(stage), stage.published
    assert event.time_ms == PAID_S * 1000
    assert isinstance(event.data, ShopOrderPaid)
    assert (event.data.origin, event.data.unionid) == ((SHOP, MEI), "uMei")
    assert (record.topic, record.key) == ("wechat.pay", origin_key(SHOP, MEI).encode())
    assert "13800000000" not in str(stage.published)


async def test_a_refund_comes_with_its_payment_and_both_always_have_the_same_ids(
    stage: Stage, wechat: WeChat
) -> None:
    await stage.work(sale())
    paid, refunded = events(stage)
    assert isinstance(refunded.data, ShopOrderRefunded)
    assert refunded.data.transaction_id == paid.data.transaction_id  # type: ignore[attr-defined]
    assert (refunded.time_ms, refunded.data.refunded_fen) == ((PAID_S + 600) * 1000, 5_900)
    assert stage.published[1].key == f"tx.{refunded.data.transaction_id}".encode()
    await stage.work(order(), sale())
    assert [e.id for e in events(stage)] == [paid.id, refunded.id, paid.id]  # the sale is known
    assert wechat.counted()[paths.AFTER_SALE_GET] == 1
    assert next(call.numbers for call in wechat.calls if call.numbers) == (str(SALE),)


@pytest.mark.parametrize("kind", ["exchange", "of no purchase", "lost"])
async def test_without_money_back_nothing_is_published(
    stage: Stage, wechat: WeChat, kind: str
) -> None:
    app = wechat.apps[SHOP]
    if kind == "exchange":
        app.after_sales[str(SALE)]["status"] = "MERCHANT_EXCHANGE_SUCCESS"
    elif kind == "of no purchase":
        app.orders[str(ORDER)]["order_detail"]["pay_info"]["payment_method"] = 2
    else:
        app.orders.clear()
    expected = {
        "exchange": LookupOutcome.NO_REFUND,
        "of no purchase": LookupOutcome.NO_PURCHASE,
        "lost": LookupOutcome.REFUSED,
    }
    assert await stage.work(sale()) == [expected[kind]]
    assert stage.published == []


async def test_a_cancelled_order_is_a_payment_and_its_refund(stage: Stage, wechat: WeChat) -> None:
    """Also if the payment has just been published."""
    await stage.work(order())
    wechat.apps[SHOP].orders[str(ORDER)] |= {"status": 250, "update_time": PAID_S + 60}
    assert await stage.work(order()) == [LookupOutcome.PUBLISHED] * 2
    kinds = [e.type.removeprefix("shop_order.") for e in events(stage)]
    assert kinds == ["paid.v1", "paid.v1", "refunded.v1"]


async def test_a_union_id_belongs_to_the_account_in_the_apps_file_or_is_left_out(
    stage: Stage,
) -> None:
    assert await stage.work(order(appid=UNBOUND)) == [LookupOutcome.PUBLISHED]
    [event] = events(stage)
    assert event.data.unionid is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("who", [origin_key(SHOP, MEI), union_key("abc-brand", "uMei")])
async def test_of_who_was_erased_since_nothing_is_published(stage: Stage, who: str) -> None:
    await stage.erase(who, PAID_S * 1000)
    assert await stage.work(order(), sale()) == [LookupOutcome.ERASED] * 2
    assert stage.published == []


async def test_what_comes_after_the_erasure_is_a_new_beginning(stage: Stage) -> None:
    await stage.erase(origin_key(SHOP, MEI), PAID_S * 1000 - 1)
    assert await stage.work(order()) == [LookupOutcome.PUBLISHED]


async def test_the_account_is_the_one_at_the_time_of_the_payment(
    wechat: WeChat, redis_url: str, namespace: str
) -> None:
    wechat.add_app(SHOP).orders = {str(ORDER): shop_order(ORDER, MEI, PAID_S, 1, unionid="uMei")}
    moved = Directory({SHOP: "group"}, moves={SHOP: Move("abc-brand", PAID_S * 1000 + 1)})
    async with staged(wechat, redis_url, namespace, moved) as stage:
        await stage.erase(union_key("abc-brand", "uMei"), PAID_S * 1000)
        assert await stage.work(order()) == [LookupOutcome.ERASED]


async def test_it_goes_on_after_every_fault_and_an_outdated_token(
    stage: Stage, wechat: WeChat
) -> None:
    await stage.work(order())
    wechat.expire_tokens()
    wechat.answer_code(paths.AFTER_SALE_GET, -1)  # each of the two calls may fail
    wechat.answer_status(paths.ORDER_GET, 502)
    wechat.answer_bytes(paths.ORDER_GET, b"<html>")
    await stage.work(sale())
    assert stage.outcomes == [LookupOutcome.PUBLISHED, LookupOutcome.REFUNDED]


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (45009, LookupOutcome.OVER_QUOTA),
        (48001, LookupOutcome.APP_REFUSED),
        (-1, LookupOutcome.LATE_ANSWER),
    ],
)
async def test_what_cannot_be_asked_in_time_is_counted(
    stage: Stage, wechat: WeChat, code: int, outcome: LookupOutcome
) -> None:
    wechat.answer_code(paths.ORDER_GET, code, times=99)
    assert await stage_ends(stage, order(patience_ms=1_500)) == [outcome]
    reason = f'missed_total{{api="order_get",reason="{outcome}"}} 1.0'
    assert reason in stage.tools.metrics.text().decode()


async def stage_ends(stage: Stage, lookup: OrderLookup) -> list[LookupOutcome]:
    """Also if WeChat stops answering, which ``until_waiting`` does not wait for."""
    async with stage.working():
        await stage.loop.add([(lookup, None)])
        await stage.loop.until_room(lookup.api)
        while not stage.finished:
            stage.loop.refused = None
            await stage.loop.until_waiting(0)
    return stage.outcomes


async def test_calls_are_counted_for_all_processes(stage: Stage) -> None:
    await stage.work(sale(), order(7), order(8))
    left = stage.tools.planner.calls_left(now_ms())
    assert left[Api.ORDER, SHOP] == 1_000 - 3
    assert left[Api.AFTER_SALE, SHOP] == 1_000 - 1
    assert time_ms(events(stage)[0].time) == PAID_S * 1000
