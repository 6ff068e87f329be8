# SPDX-License-Identifier: Apache-2.0
"""Splits a bill's line into cells, maps its columns, and parses amounts and times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, NoReturn

from schemas import parse_time
from schemas.base import FEN_MAX
from stream.wechat.delivery_result import DeliveryRejected, RejectReason

#: A column's name -> our name. Bills from before November 2018 have other names for some columns.
COLUMNS: Final = {
    "交易时间": "time",
    "公众账号ID": "appid",
    "商户号": "mchid",
    "特约商户号": "sub_mchid",
    "子商户号": "sub_mchid",
    "设备号": "device_id",
    "微信订单号": "transaction_id",
    "商户订单号": "out_trade_no",
    "用户标识": "openid",
    "交易类型": "trade_type",
    "交易状态": "trade_state",
    "货币种类": "currency",
    "应结订单金额": "settled",
    "订单金额": "total",
    "总金额": "total",
    "代金券金额": "coupon",
    "企业红包金额": "coupon",
    "代金券或立减优惠金额": "coupon",
    "退款申请时间": "refund_asked_at",
    "退款成功时间": "refunded_at",
    "微信退款单号": "refund_id",
    "商户退款单号": "out_refund_no",
    "退款金额": "refund_settled",
    "充值券退款金额": "refund_coupon",
    "企业红包退款金额": "refund_coupon",
    "代金券或立减优惠退款金额": "refund_coupon",
    "退款状态": "refund_status",
    "商户数据包": "attach",
    "申请退款金额": "refund",
}
#: The columns that every bill must have.
REQUIRED: Final = frozenset(
    {
        "time",
        "appid",
        "mchid",
        "transaction_id",
        "out_trade_no",
        "openid",
        "trade_type",
        "trade_state",
        "total",
    }
)
#: Our name -> the column's, as today's bills have it.
NAMES: Final = {name: column for column, name in reversed(COLUMNS.items())}

COUNT: Final = "总交易单数"
#: A column of the summary -> the column that it is the sum of. The fee is not used.
SUMS: Final = {
    "应结订单总金额": "settled",
    "总交易额": "total",
    "退款总金额": "refund_settled",
    "总退款金额": "refund_settled",
    "充值券退款总金额": "refund_coupon",
    "总企业红包退款金额": "refund_coupon",
    "总代金券或立减优惠退款金额": "refund_coupon",
    "订单总金额": "total",
    "申请退款总金额": "refund",
}

_yuan = re.compile(r"[0-9]{1,13}(\.[0-9]{1,5})?").fullmatch
_time = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) {1,2}([0-9]{2}:[0-9]{2}:[0-9]{2})").fullmatch
_count = re.compile(r"([0-9]{1,12})(\.0+)?").fullmatch


def refuse(message: str) -> NoReturn:
    """Raise `DeliveryRejected`; the message never repeats a cell."""
    raise DeliveryRejected(RejectReason.MALFORMED, message)


def split(line: str) -> list[str]:
    """The cells of a line. With a back-tick before each cell, a name of goods may have a comma."""
    return line[1:].split(",`") if line.startswith("`") else line.split(",")


def names_of(header: Sequence[str]) -> list[str] | None:
    """Our name of each column ("" for an unused one); ``None`` if this is no header."""
    if header[0][:1].isdecimal():  # a row: it begins with a time, or a summary with its count
        return None
    names = [COLUMNS.get(cell.strip(), "") for cell in header]
    return names if "time" in names and "transaction_id" in names else None


def count_of(cell: str) -> int | None:
    """The number of rows in a summary; some bills write it like an amount: ``45.0``."""
    found = _count(cell)
    return int(found[1]) if found else None


def fen_of(yuan: str, column: str) -> int:
    """Yuan with decimals, such as ``18.50``, as integer fen; raises `DeliveryRejected`."""
    fen = _fen(yuan)
    if fen is None:
        refuse(f"{column} must be an amount in yuan, like 18.50.")
    if fen < 0:
        refuse(f"{column} must be whole fen, of at most ten billion yuan.")
    return fen


@lru_cache(maxsize=65_536)  # most amounts of a bill are 0.00 or a price that many paid
def _fen(yuan: str) -> int | None:
    """The amount in fen; ``None`` if the text is none, -1 if there is no such amount."""
    if _yuan(yuan) is None:
        return None
    fen = Decimal(yuan) * 100
    return int(fen) if fen == fen.to_integral_value() and fen <= FEN_MAX else -1


def moment_of(text: str, column: str) -> datetime:
    """``2026-03-01 08:00:00`` in Beijing; raises `DeliveryRejected`."""
    found = _moment(text)
    if found is None:
        refuse(f"{column} must be a time like 2026-03-01 08:00:00, from 2011 to 2099.")
    return found


@lru_cache(maxsize=4_096)  # rows stand in the order of time
def _moment(text: str) -> datetime | None:
    found = _time(text)
    if found is not None:
        try:
            return parse_time(datetime.fromisoformat(f"{found[1]}T{found[2]}+08:00"))
        except ValueError:
            pass
    return None
