# SPDX-License-Identifier: Apache-2.0
"""Files that people give for a trade bill."""

from __future__ import annotations

import io
import zipfile

import pytest

from stream.wechat.bill.other_files import what_else
from tests.wechat.bill.bills import COLUMNS, PAYMENT, REFUND, bill, row

HEADER = ",".join(COLUMNS)
FUND = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)


def zipped(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, bill(PAYMENT))
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook"),
        (zipped("_rels/.rels"), "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook"),
        (zipped("微信支付账单.csv"), "a zip archive"),
        (HEADER.encode("utf-16"), "in UTF-16"),
        (HEADER.encode("gbk"), "in GBK"),
        (f"{HEADER},".encode("utf-8-sig"), "a copy that a spreadsheet saved"),
        (f'"{HEADER}"'.replace(",", '","').encode(), "a copy that a spreadsheet saved"),
        (FUND.encode("utf-8-sig"), "a fund bill"),
        (FUND.encode("gbk"), "a fund bill"),
        ("微信支付账单明细,,,,,,,,".encode("utf-8-sig"), "a personal statement"),
        ("微信支付账单明细,,,,,,,,".encode("gbk"), "a personal statement"),
        (b"<xml><return_code><![CDATA[FAIL]]></return_code>", "an answer of WeChat Pay's API"),
        (b'{"code":"NO_STATEMENT_EXIST"}', "an answer of WeChat Pay's API"),
    ],
)
def test_it_is_recognised_by_its_first_line(content: bytes, what: str) -> None:
    problem = what_else(content.split(b"\n")[0])
    assert problem.startswith(f"The file is {what}")
    assert problem.endswith(".")


@pytest.mark.parametrize(
    "line",
    [
        *bill(PAYMENT, REFUND).split(b"\r\n"),
        HEADER.encode(),
        row(PAYMENT | {"商品名称": '"豆浆", `油条`'}).encode(),
        b"",
        b"id,name",
    ],
)
def test_a_line_of_a_bill_or_of_nothing_known_is_left_to_the_reader(line: bytes) -> None:
    assert what_else(line) == ""
