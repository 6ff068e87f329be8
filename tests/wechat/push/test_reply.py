# SPDX-License-Identifier: Apache-2.0
"""Replies, parsed as WeChat parses them."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.wechat.push.account import aes_key
from stream.wechat.push.reply import (
    SUCCESS,
    TEXT_BYTES_MAX,
    ReplyTo,
    acknowledgement,
    reply,
    transfer,
)
from stream.wechat.push.wanted import Wanted
from tests.wechat.push.build import (
    APPID,
    AT,
    ENCODING_AES_KEY,
    FORMER_AES_KEY,
    MEI,
    NONCE,
    ORIGINAL_ID,
    TOKEN,
    account,
    decrypted,
    digest,
)

RANDOM = b"0123456789abcdef"
KEY = aes_key(ENCODING_AES_KEY)
TEXT = "现在注册即得 1,360 积分 <a href='#'>sign up</a> & more ]]> ]]]]>>"


def answered(text: str, *, is_json: bool = False, key: bytes | None = None) -> bytes:
    to = ReplyTo(MEI, ORIGINAL_ID, is_json, key)
    return reply(text, to, account(), AT, NONCE, RANDOM)


def read_xml(body: bytes) -> dict[str, str]:
    root = ElementTree.fromstring(body)
    assert root.tag == "xml"
    return {child.tag: child.text or "" for child in root}


def read_json(body: bytes) -> dict[str, str]:
    return {name: str(value) for name, value in json.loads(body).items()}


def expected(text: str) -> dict[str, str]:
    return {
        "ToUserName": MEI,
        "FromUserName": ORIGINAL_ID,
        "CreateTime": str(AT),
        "MsgType": "text",
        "Content": text,
    }


def test_a_reply_goes_to_the_platform_that_runs_the_account() -> None:
    to = ReplyTo(MEI, ORIGINAL_ID, True, KEY)
    body = reply(TEXT, to, account(component_appid="wxplatform"), AT, NONCE, RANDOM)
    assert decrypted(read_json(body)["Encrypt"])[1] == "wxplatform"


@pytest.mark.parametrize(("is_json", "read"), [(False, read_xml), (True, read_json)])
def test_a_plain_reply_says_what_it_should(is_json: bool, read: type) -> None:
    assert read(answered(TEXT, is_json=is_json)) == expected(TEXT)


@pytest.mark.parametrize(("is_json", "read"), [(False, read_xml), (True, read_json)])
def test_a_encrypted_reply_is_signed_and_opens(is_json: bool, read: type) -> None:
    envelope = read(answered(TEXT, is_json=is_json, key=KEY))
    assert set(envelope) == {"Encrypt", "MsgSignature", "TimeStamp", "Nonce"}
    assert (envelope["TimeStamp"], envelope["Nonce"]) == (str(AT), NONCE)
    assert envelope["MsgSignature"] == digest(TOKEN, str(AT), NONCE, envelope["Encrypt"])
    message, appid = decrypted(envelope["Encrypt"])
    assert appid == APPID
    assert read(message) == expected(TEXT)


@pytest.mark.parametrize(("is_json", "read"), [(False, read_xml), (True, read_json)])
def test_a_message_is_handed_to_the_desk_sealed_as_it_came(is_json: bool, read: type) -> None:
    told = expected(TEXT) | {"MsgType": "transfer_customer_service"}
    del told["Content"]
    for key in (None, KEY):
        to = ReplyTo(MEI, ORIGINAL_ID, is_json, key)
        body = transfer(to, account(), AT, NONCE, RANDOM)
        assert read(decrypted(read(body)["Encrypt"])[0] if key else body) == told


@pytest.mark.parametrize(("is_json", "read"), [(False, read_xml), (True, read_json)])
def test_what_wants_an_error_code_gets_none(is_json: bool, read: type) -> None:
    said = acknowledgement(Wanted.ERROR_CODE, is_json)
    assert read(said) == {"ErrCode": "0", "ErrMsg": "success"}
    assert {acknowledgement(w, is_json) for w in (Wanted.SUCCESS, Wanted.DECISION)} == {SUCCESS}


def test_a_reply_is_encrypted_with_the_key_that_opened_the_delivery() -> None:
    envelope = read_xml(answered(TEXT, key=aes_key(FORMER_AES_KEY)))
    message, _ = decrypted(envelope["Encrypt"], FORMER_AES_KEY)
    assert read_xml(message) == expected(TEXT)


def test_the_same_arguments_make_the_same_bytes() -> None:
    assert answered(TEXT, key=KEY) == answered(TEXT, key=KEY)


@pytest.mark.parametrize("text", ["", "\x00", "七" * (TEXT_BYTES_MAX // 3 + 1)])
def test_what_wechat_would_not_show_becomes_success(text: str) -> None:
    assert answered(text) == SUCCESS == b"success"


def test_the_longest_text_is_sent() -> None:
    assert read_xml(answered("x" * TEXT_BYTES_MAX)) == expected("x" * TEXT_BYTES_MAX)


def test_where_a_reply_goes_is_not_shown() -> None:
    assert repr(ReplyTo(MEI, ORIGINAL_ID, False, KEY)) == (
        f"ReplyTo(original_id='{ORIGINAL_ID}', is_json=False)"
    )


@given(st.text(max_size=80), st.booleans())
def test_any_text_makes_a_body_that_can_be_read(text: str, is_json: bool) -> None:
    body = answered(text, is_json=is_json)
    if body != SUCCESS:
        content = (read_json if is_json else read_xml)(body)["Content"]
        kept = "".join(c for c in text if c in "\t\n\r" or c >= " ")
        kept = "".join(c for c in kept if not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff")
        # XML makes one new line of a carriage return
        assert content == (kept if is_json else kept.replace("\r\n", "\n").replace("\r", "\n"))
