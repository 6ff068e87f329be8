# SPDX-License-Identifier: Apache-2.0
"""What WeChat would send in a benchmark: ready-made requests, each of another person."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from benchmarks.load import request
from schemas.base import SHANGHAI, format_ms
from tests.gateway.endpoints.build import BACKEND, signed
from tests.wechat.pay.sealed import API_V3_KEY, PUBLIC_KEY_ID, Platform, public_key_pem
from tests.wechat.pay.shapes import MCHID
from tests.wechat.push.build import ENCODING_AES_KEY, ORIGINAL_ID, TOKEN, event, sealed

OA: Final = "wx1a2b3c4d5e6f7a01"
MINI_PROGRAM: Final = "wx1a2b3c4d5e6f7a02"

SECRETS: Final = {
    "PUSH_TOKEN": TOKEN,
    "PUSH_AES_KEY": ENCODING_AES_KEY,
    "API_V3_KEY": API_V3_KEY.decode(),
    "BACKEND_KEY": BACKEND.keys[0].decode(),
}
#: Events in one request to ``/events``.
BATCH: Final = 10


def apps_file(forward_to: str = "") -> str:
    """The apps file; with an address everything also goes there."""
    forward = f", forward_to: {forward_to}" if forward_to else ""
    return f"""
apps:
  - appid: {OA}
    name: Official Account
    kind: official_account
    original_id: {ORIGINAL_ID}
    open_account: abc-brand
    push: {{token_env: PUSH_TOKEN, aes_key_env: PUSH_AES_KEY, mode: safe{forward}}}
  - {{appid: {MINI_PROGRAM}, name: Mini-program, kind: mini_program, open_account: abc-brand}}
merchants:
  - {{mchid: "{MCHID}", name: Tills, api_v3_key_env: API_V3_KEY{forward},
     keys: [{{serial: {PUBLIC_KEY_ID}, file: wechat-pay.pem}}]}}
clients:
  - {{id: {BACKEND.id}, name: Shop, kind: backend, key_env: BACKEND_KEY,
     types: [page.viewed.v1, cart.added.v1], appids: [{MINI_PROGRAM}]}}
"""


def write_keys(directory: Path) -> None:
    """WeChat Pay's public key, beside the apps file."""
    (directory / "wechat-pay.pem").write_bytes(public_key_pem())


def payments(people: int, now_s: int) -> list[bytes]:
    """Signed and encrypted payment notifications of about 1,500 bytes, a coupon among them."""
    platform = Platform(key_kind="public_key", now_s=now_s)
    made = []
    for number in range(people):
        sent = platform.deliver(_payment(number, now_s))
        made.append(request(f"/wechat/pay/{MCHID}", dict(sent.headers), sent.body))
    return made


def pushes(people: int, now_s: int) -> list[bytes]:
    """Scans of a QR code in safe mode."""
    made = []
    for number in range(people):
        scan = event("SCAN", openid=_openid(number), at=now_s, EventKey="table_7", Ticket="gQFT8")
        sent = sealed(scan, now_s)
        path = f"/wechat/push/{OA}?{urlencode(sent.query)}"
        made.append(request(path, {"content-type": "text/xml"}, sent.body))
    return made


def reports(people: int, now_s: int) -> list[bytes]:
    """Batches for ``/events``: what a server of the brand's reports of one person."""
    made = []
    for number in range(people):
        who = {"appid": MINI_PROGRAM, "openid": _openid(number)}
        events = [
            {
                "id": f"e-{now_s}-{number}-{place}",
                "type": "cart.added.v1" if place % 5 == 4 else "page.viewed.v1",
                "time": format_ms(now_s * 1000 - place),
                "data": who
                | (
                    {"product_id": f"sku-{place}", "price_fen": 1850, "quantity": 1}
                    if place % 5 == 4
                    else {"path": f"pages/menu/{place}", "scene": 1011}
                ),
            }
            for place in range(BATCH)
        ]
        body = orjson.dumps({"events": events})
        headers = signed(BACKEND, body, at_s=now_s, nonce=token_hex(8))
        made.append(request("/events", headers | {"content-type": "application/json"}, body))
    return made


def _openid(number: int) -> str:
    return f"oMei{number:024}"


def _payment(number: int, now_s: int) -> dict[str, Any]:
    paid = datetime.fromtimestamp(now_s, UTC).astimezone(SHANGHAI)
    return {
        "appid": OA,
        "mchid": MCHID,
        "out_trade_no": f"breakfast-{number}",
        "transaction_id": f"42000000002026{number:014}",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": "",
        "success_time": paid.isoformat(timespec="seconds"),
        "payer": {"openid": _openid(number)},
        "amount": {"total": 1850, "payer_total": 1750, "currency": "CNY", "payer_currency": "CNY"},
        "scene_info": {"device_id": "till-1"},
        "promotion_detail": [
            {
                "coupon_id": "109519",
                "name": "早餐券",
                "scope": "SINGLE",
                "type": "NOCASH",
                "amount": 100,
                "stock_id": "931386",
                "wechatpay_contribute": 0,
                "merchant_contribute": 100,
                "other_contribute": 0,
                "currency": "CNY",
            }
        ],
    }
