# SPDX-License-Identifier: Apache-2.0
"""Other people's SDKs play WeChat, and the system behind ``forward_to``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import xmltodict  # wechatpy's own parser
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.utils import rsa_sign
from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import WeChatSigner, check_signature

from stream.brand.forwarding import Forward
from stream.gateway.dependencies import Dependencies
from stream.gateway.endpoints.wechat import PayHandler, PushHandler
from stream.gateway.forwarder import Forwarder
from tests.gateway.endpoints.build import NOW_MS, Published
from tests.gateway.http import Said, ask, served
from tests.services.web import Handler, serving
from tests.wechat.pay.sealed import (
    API_V3_KEY,
    PUBLIC_KEY_ID,
    Platform,
    merchant,
    private_key,
    public_key_pem,
)
from tests.wechat.pay.shapes import MCHID, SHAPES
from tests.wechat.push.build import APPID, ENCODING_AES_KEY, MEI, TOKEN, account, message, xml

NOW_S = NOW_MS // 1000
NONCE = "415670741"
CRYPTO = WeChatCrypto(TOKEN, ENCODING_AES_KEY, APPID)


@asynccontextmanager
async def gateway(other: Handler | None, **settings: Any) -> AsyncIterator[tuple[int, Published]]:
    """Its port, and what it published."""
    log = Published()
    dependencies = Dependencies(log, lambda: NOW_MS)
    forwarder = Forwarder("abc", 10, dependencies.count_forward)
    async with serving("POST", "/crm", other or _nothing) as url:
        to = {APPID: Forward(f"{url}/crm"), MCHID: Forward(f"{url}/crm")} if other else {}
        pay = PayHandler({MCHID: merchant()}, dependencies, forwarder, to)
        accounts = {APPID: account(**settings)}
        push = PushHandler(accounts, dependencies, None, 0.0, forwarder, to)
        async with served(pay.endpoint(), push.endpoint()) as here:
            yield here.port, log
    await forwarder.close()


async def _nothing(request: web.Request) -> web.Response:
    raise AssertionError


async def push(port: int, content: bytes) -> Said:
    """A push sealed and signed by wechatpy."""
    body = CRYPTO.encrypt_message(content.decode(), NONCE, str(NOW_S))
    signer = WeChatSigner()
    signer.add_data(TOKEN, str(NOW_S), NONCE)
    query = {
        "signature": signer.signature,
        "timestamp": str(NOW_S),
        "nonce": NONCE,
        "encrypt_type": "aes",
        "msg_signature": parsed(body)["MsgSignature"],
    }
    return await ask(port, f"/wechat/push/{APPID}?{urlencode(query)}", body.encode())


def parsed(body: str | bytes) -> dict[str, str]:
    tree: dict[str, str] = xmltodict.parse(body)["xml"]
    return tree


def reply(said: Said) -> dict[str, str]:
    """A sealed reply, as wechatpy opens it."""
    sealed = parsed(said.body)
    opened = CRYPTO.decrypt_message(
        said.body, sealed["MsgSignature"], sealed["TimeStamp"], sealed["Nonce"]
    )
    return parsed(opened)


HELLO = xml(message("text", Content="你好", at=NOW_S))


async def test_wechatpy_behind_the_gateway_replies_as_if_it_were_in_front() -> None:
    async def crm(request: web.Request) -> web.Response:
        query, body = request.query, await request.read()
        check_signature(TOKEN, query["signature"], query["timestamp"], query["nonce"])
        signed = query["msg_signature"], query["timestamp"], query["nonce"]
        got = parse_message(CRYPTO.decrypt_message(body, *signed))
        assert (got.type, got.content, got.source) == ("text", "你好", MEI)
        answer = create_reply("您好", got).render()
        return web.Response(text=CRYPTO.encrypt_message(answer, query["nonce"]))

    async with gateway(crm) as (port, log):
        said = await push(port, HELLO)

    assert (reply(said)["MsgType"], reply(said)["Content"]) == ("text", "您好")
    assert [event.type for event in log.events] == ["message.received.v1"]


async def test_wechatpy_reads_what_goes_to_the_desk() -> None:
    async with gateway(None, desk_answers=True) as (port, _):
        opened = reply(await push(port, HELLO))

    assert (opened["MsgType"], opened["ToUserName"]) == ("transfer_customer_service", MEI)


async def test_wechatpayv3_signs_a_notification_and_verifies_it_behind_the_gateway() -> None:
    pem = private_key("public_key").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    shop = WeChatPay(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid=MCHID,
        private_key=pem.decode(),
        cert_serial_no="7A1B",
        apiv3_key=API_V3_KEY.decode(),
        appid=APPID,
        public_key=public_key_pem().decode(),
        public_key_id=PUBLIC_KEY_ID,
    )
    heard = []

    async def orders(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        heard.append(shop.callback(headers, await request.read()))
        return web.json_response({"code": "SUCCESS"})

    sent = Platform(key_kind="public_key", now_s=NOW_S).send(SHAPES["direct"])
    text = f"{NOW_S}\n{NONCE}\n{sent.body.decode()}\n"
    headers = dict(sent.headers) | {
        "wechatpay-nonce": NONCE,
        "wechatpay-signature": rsa_sign(private_key("public_key"), text),
    }
    async with gateway(orders) as (port, log):
        said = await ask(port, f"/wechat/pay/{MCHID}", sent.body, headers=headers)

    assert (said.status, said.body) == (200, b'{"code": "SUCCESS"}')
    assert heard[0]["resource"]["transaction_id"] == SHAPES["direct"].data["transaction_id"]
    assert [event.type for event in log.events] == ["payment.succeeded.v1"]
