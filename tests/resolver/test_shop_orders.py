# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from copy import deepcopy
from typing import Any

import orjson
import pytest

from schemas import time_from_ms
from schemas.order_lines import LINES_MAX, OrderLine
from stream.resolver.lookup_results import LookupOutcome
from stream.resolver.shop_orders import AfterSale, PaidOrder, number, read_after_sale, read_order
from tests.services.wechat import after_sale, shop_order

SHOP, MEI, LI = "wx1a2b3c4d5e6f7a05", "oShopMei00000000000000000001", "oShopLi000000000000000000001"
ORDER, SALE, PAID_S = 3705115058471208928, 2000000123456789, 1_772_323_200
DETAIL = shop_order(ORDER, MEI, PAID_S, 12_900, unionid="uMei")


def body(order: Any) -> dict[str, Any]:
    """As it comes off the wire, so that numbers beyond 2^53 go through JSON."""
    found: dict[str, Any] = orjson.loads(orjson.dumps({"errcode": 0, "order": order}))
    return found


def read(order: Any, order_id: str = str(ORDER)) -> PaidOrder | LookupOutcome:
    return read_order(body(order), SHOP, order_id)


def paid(order: Any) -> PaidOrder:
    found = read(order)
    assert isinstance(found, PaidOrder), found
    return found


def changed(*path: str, value: Any) -> Any:
    """The order with another value there; without it if the value is ``...``."""
    order = deepcopy(DETAIL)
    node = order
    for step in path[:-1]:
        node = node[step]
    if value is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return order


PRICE, PAY = ("order_detail", "price_info"), ("order_detail", "pay_info")


def test_a_paid_order_is_a_payment_and_nothing_else_is_kept() -> None:
    found = paid(DETAIL)
    assert found.refunded is None
    assert found.paid.model_dump() == {
        "appid": SHOP,
        "openid": MEI,
        "unionid": "uMei",
        "order_id": str(ORDER),
        "transaction_id": f"42000099{ORDER}",
        "paid_at": time_from_ms(PAID_S * 1000),
        "paid_fen": 12_900,
        "lines": (
            {
                "product_id": "10000002345678",
                "sku_id": "1234567890123456789",
                "category": None,
                "quantity": 2,
                "price_fen": 12_900,
            },
        ),
    }


def test_numbers_and_strings_are_the_same_order() -> None:
    assert read(changed("order_id", value=str(ORDER))) == read(DETAIL)
    assert [number(v) for v in (2**63 + 1, " 12 ", "0")] == [str(2**63 + 1), "12", "0"]
    assert [number(v) for v in (True, 1.5e18, -1, "1e5", "", None, "1" * 21, [1])] == [None] * 8


def test_of_a_gift_the_giver_pays() -> None:
    gift = DETAIL | {"is_present": True, "status": 12}
    gift |= {"present_giver_openid": LI, "present_giver_unionid": "uLi"}
    found = paid(gift).paid
    assert (found.openid, found.unionid) == (LI, "uLi")
    anonymous = paid(gift | {"present_giver_unionid": ""}).paid
    assert (anonymous.openid, anonymous.unionid) == (LI, None)  # never the receiver's
    assert read(gift | {"present_giver_openid": ""}) is LookupOutcome.UNREADABLE


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        (changed(*PAY, "payment_method", value=2), LookupOutcome.NO_PURCHASE),  # pay later
        (changed(*PAY, "payment_method", value=3), LookupOutcome.NO_PURCHASE),  # a draw
        (changed(*PAY, "payment_method", value=4), LookupOutcome.NO_PURCHASE),  # points
        (changed(*PAY, "payment_method", value=9), LookupOutcome.NO_PURCHASE),
        (changed(*PRICE, "order_price", value=0), LookupOutcome.NO_PURCHASE),
        (changed(*PAY, "pay_time", value=0), LookupOutcome.UNPAID),
        (changed(*PAY, value={}) | {"status": 10}, LookupOutcome.UNPAID),
        (changed(*PAY, value=...) | {"status": 250}, LookupOutcome.UNPAID),
        (changed(*PAY, "transaction_id", value=""), LookupOutcome.NO_TRANSACTION),
        (changed(*PAY, "transaction_id", value=...), LookupOutcome.NO_TRANSACTION),
        (changed(*PAY, "transaction_id", value=["x"]), LookupOutcome.UNREADABLE),
        (changed(*PAY, "pay_time", value="soon"), LookupOutcome.UNREADABLE),
        (changed(*PAY, "pay_time", value=10**12), LookupOutcome.UNREADABLE),  # ms
        (changed(*PRICE, "order_price", value=...), LookupOutcome.UNREADABLE),
        (changed(*PRICE, "order_price", value=-1), LookupOutcome.UNREADABLE),
        (changed(*PRICE, "order_price", value=1.5), LookupOutcome.UNREADABLE),
        (changed(*PRICE, "order_price", value="129.00"), LookupOutcome.UNREADABLE),
        (changed(*PRICE, "order_price", value=10**13), LookupOutcome.UNREADABLE),
        (changed("openid", value=""), LookupOutcome.UNREADABLE),
        (changed("openid", value="OPENID"), LookupOutcome.UNREADABLE),
        (changed("openid", value=7), LookupOutcome.UNREADABLE),
        (changed("order_id", value=ORDER + 1), LookupOutcome.UNREADABLE),
        (changed("order_detail", value=[]), LookupOutcome.UNREADABLE),
        ({}, LookupOutcome.UNREADABLE),
        ("", LookupOutcome.UNREADABLE),
    ],
)  # fmt: skip
def test_what_is_no_payment_has_a_reason(order: Any, outcome: LookupOutcome) -> None:
    assert read(order) is outcome


def test_a_way_of_paying_is_new_so_its_absence_is_wechat_pay() -> None:
    assert paid(changed(*PAY, "payment_method", value=...)) == paid(DETAIL)
    assert paid(changed(*PAY, "payment_method", value="1")) == paid(DETAIL)


@pytest.mark.parametrize("status", [12, 13, 20, 21, 30, 100, 200])
def test_what_becomes_of_the_goods_does_not_matter(status: int) -> None:
    assert paid(DETAIL | {"status": status}) == paid(DETAIL)


def test_a_paid_order_which_is_cancelled_as_a_whole_is_refunded_as_a_whole() -> None:
    found = paid(DETAIL | {"status": 250, "update_time": PAID_S + 60})
    assert found.paid == paid(DETAIL).paid
    assert found.refunded is not None
    assert found.refunded.refund_id == found.refunded.order_id == str(ORDER)
    assert found.refunded.refunded_fen == 12_900
    assert found.refunded.refunded_at == time_from_ms((PAID_S + 60) * 1000)


def lines(products: Any) -> tuple[OrderLine, ...]:
    return paid(changed("order_detail", "product_infos", value=products)).paid.lines


def test_lines_that_cannot_be_read_are_left_out_and_the_payment_stays() -> None:
    product = DETAIL["order_detail"]["product_infos"][0]
    without = {k: v for k, v in product.items() if k != "real_price"}
    assert [line.price_fen for line in lines([without | {"sku_cnt": 3}])] == [3 * 12_900]
    free = product | {"real_price": 0, "is_free_gift": 1}
    bad = [product | {"product_id": "?", "sku_id": "?"}, {"sku_cnt": 2}]
    assert [line.price_fen for line in lines([{}, 7, *bad, free])] == [0]
    odd = lines([product | {"product_id": "?", "sku_cnt": "2"}])[0]
    assert (odd.product_id, odd.sku_id, odd.quantity) == (None, "1234567890123456789", None)
    assert lines({"a": 1}) == lines([]) == lines(None) == ()
    assert len(lines([product] * 150)) == LINES_MAX
    assert lines([product | {"sku_id": ""}])[0].sku_id is None


# --- after-sales ----------------------------------------------------------------------------------

REFUND = after_sale(SALE, ORDER, PAID_S + 600, 5_900)


def sold(sale: Any) -> AfterSale | LookupOutcome:
    return read_after_sale(orjson.loads(orjson.dumps({"after_sale_order": sale})), str(SALE))


def test_an_after_sale_that_gave_money_back_is_a_refund_of_the_orders_payment() -> None:
    found = sold(REFUND | {"update_time": PAID_S + 900})
    assert isinstance(found, AfterSale)
    assert (found.order_id, found.refunded_fen) == (str(ORDER), 5_900)
    assert found.refunded_at == time_from_ms((PAID_S + 600) * 1000)
    refund = found.of(paid(DETAIL).paid)
    assert (refund.refund_id, refund.transaction_id) == (str(SALE), f"42000099{ORDER}")
    assert sold(REFUND | {"status": "MERCHANT_RETURN_SUCCESS"}) == sold(REFUND)
    late = sold({k: v for k, v in REFUND.items() if k != "complete_time"})
    assert isinstance(late, AfterSale)


def _with(**changes: Any) -> Any:
    return REFUND | changes


@pytest.mark.parametrize(
    ("sale", "outcome"),
    [
        (_with(status="MERCHANT_EXCHANGE_SUCCESS", type="EXCHANGE"), LookupOutcome.NO_REFUND),
        (_with(status="MERCHANT_PROCESSING"), LookupOutcome.NO_REFUND),
        (_with(status="PLATFORM_REFUNDING"), LookupOutcome.NO_REFUND),
        (_with(status="PLATFORM_REFUND_FAIL"), LookupOutcome.NO_REFUND),
        (_with(status=["x"]), LookupOutcome.UNREADABLE),
        (_with(refund_info={"amount": 0}), LookupOutcome.NO_REFUND),
        (_with(refund_info={"amount": "59.00"}), LookupOutcome.UNREADABLE),
        (_with(refund_info=None), LookupOutcome.UNREADABLE),
        (_with(order_id=None), LookupOutcome.UNREADABLE),
        (_with(after_sale_order_id=1), LookupOutcome.UNREADABLE),
        (_with(complete_time=0, update_time=0), LookupOutcome.UNREADABLE),
        ({}, LookupOutcome.UNREADABLE),
    ],
)
def test_an_exchange_is_none_and_what_is_open_is_none_yet(
    sale: Any, outcome: LookupOutcome
) -> None:
    assert sold(sale) is outcome
