# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.base import FEN_MAX
from stream.wechat.bill.cells import count_of, fen_of, moment_of, names_of, split
from stream.wechat.delivery_result import DeliveryRejected


def test_a_comma_in_the_name_of_goods_does_not_part_a_row() -> None:
    assert split("`a,`soy milk, hot,`,`b") == ["a", "soy milk, hot", "", "b"]
    assert split("总交易单数,应结订单总金额") == ["总交易单数", "应结订单总金额"]


def test_a_header_is_known_by_what_it_must_have() -> None:
    assert names_of([" 交易时间", "费率", "微信订单号"]) == ["time", "", "transaction_id"]
    assert names_of(["2026-03-01 08:00:00", "4200"]) is None


@pytest.mark.parametrize(
    ("cell", "count"),
    [("45", 45), ("45.0", 45), ("20.00", 20), ("45.5", None), ("", None), ("4e1", None)],
)
def test_the_count_of_a_summary_may_be_written_with_decimals(cell: str, count: int | None) -> None:
    assert count_of(cell) == count


@given(st.integers(0, FEN_MAX))
def test_every_amount_in_fen_is_read_exactly(fen: int) -> None:
    assert fen_of(str(Decimal(fen) / 100), "x") == fen
    assert fen_of(f"{fen // 100}.{fen % 100:02}000", "x") == fen


@pytest.mark.parametrize(
    "text", ["", "-1.00", "1e3", "1,000.00", "0.001", "١.٠٠", "1.", ".5", "NaN", "10000000000.01"]
)
def test_what_is_no_amount_is_rejected_without_repeating_it(text: str) -> None:
    with pytest.raises(DeliveryRejected, match="退款金额 must be") as rejection:
        fen_of(text, "退款金额")
    assert not text or text not in rejection.value.message.replace("18.50", "")


def test_times_are_beijing_times() -> None:
    expected = datetime(2026, 2, 28, 16, 0, 5, tzinfo=UTC)
    assert moment_of("2026-03-01 00:00:05", "x") == expected
    assert moment_of("2026-03-01  00:00:05", "x") == expected


@pytest.mark.parametrize(
    "text", ["", "2026-02-30 00:00:00", "2026-03-01", "2026-03-01 24:00:00", "1999-01-01 00:00:00"]
)
def test_what_is_no_time_is_rejected(text: str) -> None:
    with pytest.raises(DeliveryRejected, match="交易时间 must be a time"):
        moment_of(text, "交易时间")
