# SPDX-License-Identifier: Apache-2.0
"""Lists of a shop over real HTTP: no order is left out, whatever happens to pushes and calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import orjson
import pytest

from stream.engine.model.directory import Directory
from stream.resolver import gap_fill
from stream.resolver.gap_fill import FIRST_MS, OVERLAP_MS, SETTLE_MS, SHOP_LISTS, GapFill
from stream.resolver.lookup_results import LookupOutcome
from tests.resolver.stage import Stage, now_ms, staged
from tests.services import wechat as paths
from tests.services.process import free_ports
from tests.services.wechat import App, WeChat, after_sale, shop_order

pytestmark = pytest.mark.integration
SHOP, MEI = "wx1a2b3c4d5e6f7a05", "oShopMei00000000000000000001"
ORDERS, AFTER_SALES = SHOP_LISTS
DAY_MS = 86_400_000


@pytest.fixture
def shop(wechat: WeChat) -> App:
    wechat.page = 2
    return wechat.add_app(SHOP)


@pytest.fixture
async def stage(shop: App, wechat: WeChat, redis_url: str, namespace: str) -> AsyncIterator[Stage]:
    async with staged(wechat, redis_url, namespace, Directory({SHOP: "abc-brand"})) as made:
        yield made


def sell(shop: App, *ages_s: int, first: int = 1) -> None:
    """Orders that were paid so long ago."""
    for number, age_s in enumerate(ages_s, first):
        paid_s = now_ms() // 1000 - age_s
        shop.orders[str(number)] = shop_order(number, MEI, paid_s, 100)


def filler(stage: Stage, wanted: gap_fill.ShopList = ORDERS, patience_ms: int = 20_000) -> GapFill:
    return GapFill(SHOP, wanted, stage.tools, stage.loop, patience_ms)


async def until(stage: Stage, wanted: gap_fill.ShopList = ORDERS) -> int | None:
    return await stage.tools.shared.filled_until(SHOP, wanted.name)


async def fill(stage: Stage, of: GapFill | None = None) -> list[str]:
    """One round; the numbers of what was published by it."""
    published = len(stage.published)
    async with stage.working():
        await (of or filler(stage)).fill()
    ids = [orjson.loads(r.value or b"")["order_id"] for r in stage.published[published:]]
    return sorted(ids, key=int)


async def test_every_page_of_the_last_week_is_read_and_then_only_what_is_new(
    stage: Stage, shop: App, wechat: WeChat
) -> None:
    sell(shop, 100, 4_000, 90_000, 90_001, 90_002, 500_000, 700_000, 10)
    assert await fill(stage) == ["1", "2", "3", "4", "5", "6"]  # 7 is older, 8 not settled
    done = await until(stage)
    assert done is not None
    assert 0 <= now_ms() - SETTLE_MS - done < 20_000
    assert await fill(stage) == ["1"]  # the rounds overlap; it has the same id
    assert wechat.counted()[paths.ORDER_GET] == 6 + 1
    gauge = f'complete_until_seconds{{appid="{SHOP}",list="order_list"}} '
    assert gauge in stage.tools.metrics.text().decode()


async def test_after_sales_of_a_week_are_refunds(stage: Stage, shop: App) -> None:
    sell(shop, 300_000)
    for number, age_s in ((7, 200_000), (8, 100)):
        at = now_ms() // 1000 - age_s
        shop.after_sales[str(number)] = after_sale(number, 1, at, 40)
    await fill(stage, filler(stage, AFTER_SALES))
    kinds = [dict(r.headers)["ce_type"] for r in stage.published]
    assert kinds.count(b"shop_order.refunded.v1") == 2
    assert await until(stage, AFTER_SALES)
    assert await until(stage, ORDERS) is None


async def test_a_month_away_is_listed_in_windows_that_wechat_allows(
    stage: Stage, shop: App, wechat: WeChat
) -> None:
    sell(shop, 29 * 86_400, 86_400)
    month_ago = now_ms() - 30 * DAY_MS
    for wanted in SHOP_LISTS:
        await stage.tools.shared.keep_filled(SHOP, wanted.name, month_ago)
        await fill(stage, filler(stage, wanted))
        assert (await until(stage, wanted) or 0) > now_ms() - DAY_MS
    assert stage.outcomes == [LookupOutcome.PUBLISHED] * 2
    assert 30 <= wechat.counted()[paths.AFTER_SALE_LIST] <= 33


async def test_what_wechat_does_not_answer_is_listed_again(
    stage: Stage, shop: App, wechat: WeChat
) -> None:
    sell(shop, 100, 200)
    start = now_ms() - 3_600_000
    await stage.tools.shared.keep_filled(SHOP, ORDERS.name, start)
    wechat.answer_code(paths.ORDER_GET, -1, times=99)
    assert await fill(stage, filler(stage, patience_ms=300)) == []
    assert stage.outcomes == [LookupOutcome.LATE_ANSWER] * 2
    assert await until(stage) == start
    wechat._faults.clear()
    assert await fill(stage) == ["1", "2"]
    assert await until(stage) != start


async def test_an_order_that_is_never_answered_does_not_stop_the_shop(
    stage: Stage, shop: App, wechat: WeChat, caplog: pytest.LogCaptureFixture
) -> None:
    sell(shop, 100)
    start = now_ms() - 3_600_000
    await stage.tools.shared.keep_filled(SHOP, ORDERS.name, start)
    wechat.answer_code(paths.ORDER_GET, -1, times=99)
    work = filler(stage, patience_ms=300)
    for _ in range(2):
        await fill(stage, work)
        assert await until(stage) == start
    await fill(stage, work)
    assert await until(stage) != start
    assert f"never answers about some numbers of {SHOP}" in caplog.text


@pytest.mark.parametrize("code", [45009, 48001])
async def test_a_shop_that_may_not_be_asked_waits(
    stage: Stage, shop: App, wechat: WeChat, code: int
) -> None:
    sell(shop, 100)
    start = now_ms() - 3_600_000
    await stage.tools.shared.keep_filled(SHOP, ORDERS.name, start)
    wechat.answer_code(paths.ORDER_GET, code)
    work = filler(stage, patience_ms=300)
    for _ in range(4):
        await fill(stage, work)
    assert await until(stage) == start


@pytest.mark.parametrize(
    "page",
    [
        b'{"errcode": -1}',
        b'{"errcode": 45009}',
        b'{"order_id_list": ["1"], "has_more": true}',
        b'{"order_id_list": ["1"], "has_more": true, "next_key": ""}',
        b'{"order_id_list": [1.5e300]}',
        b'{"order_id_list": "1"}',
        b"<html>",
    ],
)
async def test_a_page_that_is_missing_or_makes_no_sense_is_asked_for_again(
    stage: Stage, shop: App, wechat: WeChat, page: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    sell(shop, 100, 110, 120)
    start = now_ms() - 3_600_000
    await stage.tools.shared.keep_filled(SHOP, ORDERS.name, start)
    wechat.answer_bytes(paths.ORDER_LIST, page)
    await fill(stage)
    assert await until(stage) == start
    assert "returned no order_list" in caplog.text
    await fill(stage)
    assert len({dict(r.headers)["ce_id"] for r in stage.published}) == 3
    assert await until(stage) != start


async def test_too_many_orders_for_one_window_are_listed_in_shorter_ones(
    stage: Stage, shop: App, wechat: WeChat
) -> None:
    sell(shop, 100, 7_000)
    await stage.tools.shared.keep_filled(SHOP, ORDERS.name, now_ms() - DAY_MS // 2)
    wechat.answer_code(paths.ORDER_LIST, 31042, times=3)
    assert await fill(stage) == ["1", "2"]
    assert wechat.counted()[paths.ORDER_LIST] == 3 + 5  # 12 hours in windows of 2 h 52 min


async def test_a_time_in_the_future_was_a_wrong_clocks(stage: Stage, shop: App) -> None:
    sell(shop, 400_000)
    await stage.tools.shared.keep_filled(SHOP, ORDERS.name, now_ms() + DAY_MS)
    assert await fill(stage) == ["1"]
    assert (await until(stage) or 0) < now_ms()
    assert FIRST_MS > OVERLAP_MS > SETTLE_MS


async def test_a_list_leaves_room_for_hints_and_overflows_nothing(
    shop: App, wechat: WeChat, redis_url: str, namespace: str
) -> None:
    wechat.page = 100
    sell(shop, *[100] * 130)
    directory = Directory({SHOP: "abc-brand"})
    async with staged(wechat, redis_url, namespace, directory) as stage:
        await stage.tools.shared.keep_filled(SHOP, ORDERS.name, now_ms() - 3_600_000)
        work = asyncio.create_task(fill(stage))
        while not stage.finished:
            await asyncio.sleep(0.01)
            assert len(stage.tools.planner) <= 50
        assert len(await work) == 130
        assert set(stage.outcomes) == {LookupOutcome.PUBLISHED}


async def test_one_process_lists_at_a_time(
    stage: Stage, shop: App, wechat: WeChat, redis_url: str, namespace: str
) -> None:
    sell(shop, 100)
    start = now_ms() - 3_600_000
    await stage.tools.shared.keep_filled(SHOP, ORDERS.name, start)
    directory = Directory({SHOP: "abc-brand"})
    async with (
        staged(wechat, redis_url, namespace, directory) as other,
        stage.working(),
        other.working(),
        asyncio.TaskGroup() as group,
    ):
        works = [group.create_task(filler(one).run()) for one in (stage, other)]
        while await until(stage) == start:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        for work in works:
            work.cancel()
    assert sorted(map(len, (stage.published, other.published))) == [0, 1]


async def test_without_its_store_it_lists_nothing_and_says_so(
    shop: App, wechat: WeChat, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    (port,) = free_ports(1)
    directory = Directory({SHOP: "abc-brand"})
    async with staged(wechat, f"redis://127.0.0.1:{port}/0", namespace, directory) as stage:
        work = asyncio.create_task(filler(stage).run())
        while "orders of shops are listed later" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        work.cancel()
    assert wechat.counted() == {}
