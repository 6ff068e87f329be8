# SPDX-License-Identifier: Apache-2.0
"""Recognises by its first bytes what is given for a trade bill and is none.

One sentence for the file is of more use than one for each of its lines.
"""

from __future__ import annotations

from typing import Final

_HEAD_BYTES: Final = 4_096
_BYTE_ORDER_MARK: Final = "\ufeff"
_ZIP: Final = b"PK\x03\x04"
#: The first name in a workbook: a zip begins with the head of its first file, the name at byte 30.
_WORKBOOK: Final = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/", b"mimetype")
_OLD_WORKBOOK: Final = b"\xd0\xcf\x11\xe0"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")

#: Columns of a trade bill's header, and of a fund bill's.
_TRADE: Final = ("交易时间", "微信订单号")
_FUND: Final = ("记账时间", "资金流水单号")
_PERSONAL: Final = "微信支付账单"

_AS_OFFERED: Final = "import the trade bill (交易账单) as WeChat Pay offers it"


def what_else(first_line: bytes) -> str:
    """What the file is, and what to do, in one sentence; "" if it may be a trade bill."""
    head = first_line[:_HEAD_BYTES]
    if head.startswith(_ZIP):
        if head[30:].startswith(_WORKBOOK):
            return (
                "The file is an Excel workbook (a personal statement, or a copy of a bill); "
                f"{_AS_OFFERED}."
            )
        return "The file is a zip archive; unpack it, and import the bills in it."
    if head.startswith(_OLD_WORKBOOK):
        return f"The file is an Excel workbook; {_AS_OFFERED}."
    if head.startswith(_UTF_16):
        return f"The file is in UTF-16 (a copy saved by Excel?); {_AS_OFFERED}, in UTF-8."
    text = head.decode(errors="ignore").removeprefix(_BYTE_ORDER_MARK).strip()
    if text.startswith(("<", "{")):
        return "The file is an answer of WeChat Pay's API and no bill; download the bill again."
    return _of_text(text) or _of_gbk(head.decode("gbk", errors="ignore"))


def _of_text(text: str) -> str:
    if all(column in text for column in _FUND):
        return f"The file is a fund bill (资金账单), which names no payer; {_AS_OFFERED}."
    if _PERSONAL in text:
        return (
            "The file is a personal statement (微信支付账单明细) of one WeChat user, "
            f"not the merchant's; {_AS_OFFERED}."
        )
    if all(column in text for column in _TRADE) and (text.endswith(",") or '"' in text):
        return (
            "The file is a copy that a spreadsheet saved: cells are moved where the name of goods "
            f"has a comma; {_AS_OFFERED}."
        )
    return ""


def _of_gbk(text: str) -> str:
    if problem := _of_text(text):
        return problem
    if any(column in text for column in (*_TRADE, *_FUND)):
        return f"The file is in GBK (a copy saved by Excel?); {_AS_OFFERED}, in UTF-8."
    return ""
