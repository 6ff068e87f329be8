# SPDX-License-Identifier: Apache-2.0
"""Bills as WeChat writes them, with made-up ids."""

from __future__ import annotations

SUMMARY = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
APPID, MCHID, OPENID = "wx1a2b3c4d5e6f7a02", "1900000001", "oMiniProgramMei0000000000-1"

PAYMENT = {
    "交易时间": "2026-03-01 08:00:05",
    "公众账号ID": APPID,
    "商户号": MCHID,
    "特约商户号": "0",
    "设备号": "till-7",
    "微信订单号": "4200000000202603010000000001",
    "商户订单号": "breakfast-0001",
    "用户标识": OPENID,
    "交易类型": "JSAPI",
    "交易状态": "SUCCESS",
    "付款银行": "OTHERS",
    "货币种类": "CNY",
    "应结订单金额": "18.50",
    "代金券金额": "0.00",
    "微信退款单号": "0",
    "商户退款单号": "0",
    "退款金额": "0.00",
    "充值券退款金额": "0.00",
    "退款类型": "",
    "退款状态": "",
    "商品名称": "豆浆, 油条",
    "商户数据包": "store-12",
    "手续费": "0.11000",
    "费率": "0.60%",
    "订单金额": "18.50",
    "申请退款金额": "0.00",
    "费率备注": "",
}
COLUMNS = list(PAYMENT)
REFUND = PAYMENT | {
    "交易时间": "2026-03-01 09:30:00",
    "交易状态": "REFUND",
    "应结订单金额": "0.00",
    "微信退款单号": "50300000002026030100000000001",
    "商户退款单号": "breakfast-0001-r1",
    "退款金额": "4.00",
    "退款类型": "ORIGINAL",
    "退款状态": "SUCCESS",
    "手续费": "-0.02000",
    "订单金额": "0.00",
    "申请退款金额": "4.00",
}


def row(cells: dict[str, str], columns: list[str] | None = None) -> str:
    return ",".join(f"`{cells[name]}" for name in columns or COLUMNS)


def summary(*rows: dict[str, str]) -> str:
    """What WeChat would count and add up."""
    sums = ("应结订单金额", "退款金额", "充值券退款金额", "手续费", "订单金额", "申请退款金额")
    cents = [sum(round(float(cells.get(name, "0")) * 100) for cells in rows) for name in sums]
    numbers = [str(len(rows)), *(f"{c / 100:.2f}" for c in cents)]
    return ",".join(f"`{number}" for number in numbers)


def bill(*rows: dict[str, str], columns: list[str] | None = None) -> bytes:
    """A whole bill, with its byte order mark and Windows' line ends."""
    header = ",".join(columns or COLUMNS)
    lines = [header, *(row(cells, columns) for cells in rows), SUMMARY, summary(*rows)]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()
