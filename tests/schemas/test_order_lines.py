# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from schemas.mini_program import OrderPlaced
from schemas.order_lines import CATEGORY_CHARS_MAX, LINES_MAX, OrderLine

ORDER = {"appid": "wxmp", "openid": "oMei-1", "order_id": "o1"}


def read(lines: Any) -> tuple[OrderLine, ...]:
    return OrderPlaced.model_validate({**ORDER, "lines": lines}).lines


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ({"category": "咖啡", "quantity": 0.5}, {"category": "咖啡"}),
        ({"category": "咖啡", "price_fen": -1, "name": "拿铁"}, {"category": "咖啡"}),
        ({"category": "x" * (CATEGORY_CHARS_MAX + 1), "sku_id": "a"}, {"sku_id": "a"}),
        ({"category": "", "product_id": "p"}, {"product_id": "p"}),
        ({"sku_id": 7, "product_id": "p", "quantity": "2"}, {"product_id": "p"}),
    ],
)
def test_what_cannot_be_read_of_a_line_is_left_out(line: Any, kept: dict[str, Any]) -> None:
    assert read([line]) == (OrderLine.model_validate(kept),)


def test_a_line_that_names_nothing_is_left_out_and_the_others_stay() -> None:
    tea = OrderLine(category="tea")
    assert read([{"quantity": 1}, None, "tea", {"category": "tea"}, {"sku_id": "?"}]) == (tea,)
    assert read(None) == read({"category": "tea"}) == read("tea") == ()
    assert read([tea]) == (tea,)


def test_the_lines_above_the_limit_are_left_out() -> None:
    assert len(read([{"sku_id": str(n)} for n in range(LINES_MAX + 1)])) == LINES_MAX
