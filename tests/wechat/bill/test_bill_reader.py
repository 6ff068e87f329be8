# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream.wechat.bill.bill_reader import LINE_BYTES_MAX, BillReader, Kind, Line
from tests.wechat.bill.bills import COLUMNS, OPENID, PAYMENT, REFUND, bill, row

OTHER = PAYMENT | {"微信订单号": "4200000000202603010000000002", "应结订单金额": "3.00"}


def lines(content: bytes) -> list[Line]:
    reader = BillReader()
    return [*reader.read(content.split(b"\n")), *reader.end()]


def kinds(content: bytes) -> list[Kind]:
    return [line.kind for line in lines(content)]


def problems(content: bytes) -> list[tuple[int, Kind, str]]:
    return [(line.number, line.kind, line.problem) for line in lines(content) if line.problem]


def test_a_bill_with_its_mark_back_ticks_and_summary() -> None:
    found = lines(bill(PAYMENT, REFUND, OTHER))
    assert [line.kind for line in found] == [Kind.PAYMENT, Kind.REFUND, Kind.PAYMENT]
    assert [line.number for line in found] == [2, 3, 4]


def test_columns_may_stand_in_any_order_and_unknown_ones_among_them() -> None:
    columns = ["来日之列", *reversed(COLUMNS)]
    content = bill(PAYMENT | {"来日之列": "?"}, columns=columns)
    assert lines(content)[0].event == lines(bill(PAYMENT))[0].event


def test_the_bill_of_payments_has_no_columns_of_refunds() -> None:
    columns = [name for name in COLUMNS if "退款" not in name]
    assert lines(bill(PAYMENT, columns=columns))[0].event == lines(bill(PAYMENT))[0].event


def test_a_day_without_trade_is_a_bill() -> None:
    assert lines(bill()) == []


def test_bills_may_follow_one_another() -> None:
    assert kinds(bill(PAYMENT) + bill(REFUND)) == [Kind.PAYMENT, Kind.REFUND]


def test_a_rejected_row_says_that_and_why_and_the_rest_is_read() -> None:
    strange = PAYMENT | {"交易状态": "BARTER"}
    number, kind, problem = problems(bill(PAYMENT, strange, OTHER))[0]
    assert (number, kind) == (3, Kind.REFUSED)
    assert "交易状态" in problem
    assert kinds(bill(PAYMENT, strange, OTHER)).count(Kind.PAYMENT) == 2


def test_a_bill_cut_short_is_noticed() -> None:
    whole = bill(PAYMENT, OTHER).split(b"\r\n")
    assert problems(b"\r\n".join(whole[:3])) == [
        (3, Kind.UNBALANCED, "A bill has no summary here; it may have been cut short.")
    ]
    cut = b"\r\n".join(whole[:2]) + b"\r\n" + bill(REFUND)
    assert [(n, k) for n, k, _ in problems(cut)] == [(3, Kind.UNBALANCED)]
    assert kinds(cut).count(Kind.REFUND) == 1


def test_a_summary_may_count_in_decimals_and_be_filled_up_with_empty_cells() -> None:
    """As in a public bill of 45 rows, and as a spreadsheet saves it."""
    content = bill(PAYMENT, OTHER).replace(b"`2,`", b"`2.0,`")
    assert problems(content) == []
    *rows, header, sums, _ = content.split(b"\r\n")
    padding = b"," * 20
    assert problems(b"\n".join([*rows, header + padding, sums + padding])) == []
    changed = sums.replace(b"`2.0", b"`3.0") + padding
    assert [kind for _, kind, _ in problems(b"\n".join([*rows, header, changed]))] == [
        Kind.UNBALANCED
    ]


def test_a_row_lost_in_the_middle_is_noticed() -> None:
    whole = bill(PAYMENT, OTHER).split(b"\r\n")
    [(number, kind, problem)] = problems(b"\r\n".join(whole[:2] + whole[3:]))
    assert (number, kind) == (4, Kind.UNBALANCED)
    assert problem == "The summary does not count the 1 rows there are."


def test_an_amount_changed_on_the_way_is_noticed() -> None:
    content = bill(PAYMENT, OTHER).replace(b"`3.00,", b"`3.01,", 1)
    [(_, kind, problem)] = problems(content)
    assert kind is Kind.UNBALANCED
    assert problem == "应结订单总金额 is not the sum of the rows, which is 2151 fen."


def test_a_row_that_cannot_be_read_is_not_added_up_but_counted() -> None:
    content = bill(PAYMENT, OTHER).replace(b"%,`18.50,", b"%,`18.5x,", 1)
    assert [kind for _, kind, _ in problems(content)] == [Kind.REFUSED]
    broken = content.replace(b"till-7", b"\xff\xfe", 1)
    assert [kind for _, kind, _ in problems(broken)] == [Kind.REFUSED]


def test_a_file_without_a_bill_says_so() -> None:
    assert [kind for _, kind, _ in problems(b"")] == [Kind.UNBALANCED]
    assert [kind for _, kind, _ in problems(b"id,name\n1,Mei\n")] == [
        Kind.REFUSED,
        Kind.REFUSED,
        Kind.UNBALANCED,
    ]
    assert "no column 交易状态, 交易类型" in problems("交易时间,微信订单号\n".encode())[0][2]
    doubled = ",".join([*COLUMNS, "总金额"])
    assert "more than one column for: 订单金额" in problems(doubled.encode())[0][2]


def test_a_file_of_another_kind_is_refused_with_one_sentence() -> None:
    for content in (
        "微信支付账单明细,,\n微信昵称:[Mei],,\n交易时间,交易类型,\n",
        "记账时间,资金流水单号\n1,2\n",
    ):
        [(number, kind, _)] = problems(content.encode())
        assert (number, kind) == (1, Kind.REFUSED)
    [(number, _, problem)] = problems(
        b"\n" + bill(PAYMENT, OTHER).decode("utf-8-sig").encode("gbk")
    )
    assert (number, "GBK" in problem) == (2, True)


def test_a_line_without_end_is_rejected() -> None:
    [(_, kind, problem), *_] = problems(b"`" + b"x" * LINE_BYTES_MAX)
    assert kind is Kind.REFUSED
    assert "65536 bytes" in problem


def check_any(content: bytes) -> None:
    found = lines(content)
    for line in found:
        assert (line.event is None) == bool(line.problem)
        assert OPENID not in line.problem
    for before, after in pairwise(found):
        assert before.number <= after.number
    assert Counter(line.kind for line in found).keys() <= set(Kind)


@pytest.mark.fuzz
@settings(max_examples=1_000)
@given(st.binary(max_size=400))
@example(b"\xef\xbb\xbf")
def test_any_bytes_at_all(content: bytes) -> None:
    check_any(content)


WORDS = st.sampled_from([*PAYMENT.values(), *REFUND.values(), *COLUMNS, "`", ",`", "\n", "\u0661"])
CELLS = st.one_of(WORDS, st.text(max_size=12), st.decimals(allow_nan=False).map(str))


@pytest.mark.fuzz
@settings(max_examples=1_000)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=30), max_size=6), st.booleans())
def test_any_rows_after_a_header(rows: list[list[str]], whole: bool) -> None:
    """Rows of true cells in wrong places, and of anything else."""
    noise = "\n".join("`" + ",`".join(cells) for cells in rows)
    content = ",".join(COLUMNS) + "\n" + noise + "\n"
    check_any(content.encode("utf-8", "surrogatepass") + (bill(PAYMENT) if whole else b""))


@pytest.mark.fuzz
@settings(max_examples=1_000)
@given(st.fixed_dictionaries(dict.fromkeys(("交易时间", "应结订单金额", "用户标识"), CELLS)))
def test_any_cell_of_a_row(changes: dict[str, str]) -> None:
    check_any(("\n".join([",".join(COLUMNS), row(PAYMENT | changes)])).encode())


@pytest.mark.fuzz
@settings(max_examples=500)
@given(st.integers(0, 2_000), st.integers(0, 255))
def test_one_byte_changed_anywhere(at: int, byte: int) -> None:
    content = bytearray(bill(PAYMENT, REFUND))
    content[at % len(content)] = byte
    check_any(bytes(content))
