# SPDX-License-Identifier: Apache-2.0
"""Deliveries over HTTP: signatures, modes, and responses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from stream.wechat.delivery_result import DeliveryAccepted, DeliveryRejected, RejectReason
from stream.wechat.push.account import Mode, PushAccount, aes_key
from stream.wechat.push.delivery import (
    BODY_BYTES_MAX,
    SKEW_S,
    PushAccepted,
    accept,
    check_url,
)
from stream.wechat.push.reply import reply
from tests.support.cases import each
from tests.wechat.push.build import (
    APPID,
    AT,
    ENCODING_AES_KEY,
    FORMER_AES_KEY,
    MEI,
    NONCE,
    ORIGINAL_ID,
    TOKEN,
    Sent,
    account,
    compatible,
    decrypted,
    digest,
    event,
    message,
    plain,
    plain_account,
    sealed,
    signed,
    xml,
)

FOLLOW = event("subscribe", EventKey="qrscene_table-7", Ticket="gQH47joAAAAA")
KEY, FORMER = aes_key(ENCODING_AES_KEY), aes_key(FORMER_AES_KEY)
RANDOM = b"0123456789abcdef"
BOTH = account(mode=Mode.COMPATIBLE)
PLAIN = plain_account()


def take(sent: Sent, of: PushAccount | None = None, now_s: int = AT) -> PushAccepted:
    return accept(sent.query, sent.body, of or account(), now_s)


def rejection(sent: Sent, of: PushAccount | None = None, now_s: int = AT) -> DeliveryRejected:
    with pytest.raises(DeliveryRejected) as caught:
        take(sent, of, now_s)
    return caught.value


def without(sent: Sent, *names: str) -> Sent:
    return replace(sent, query={k: v for k, v in sent.query.items() if k not in names})


def changed(sent: Sent, **query: str) -> Sent:
    return replace(sent, query={**sent.query, **query})


# --- modes ----------------------------------------------------------------------------------------


def test_every_mode_and_format_says_the_same() -> None:
    results: list[DeliveryAccepted] = []
    for is_json in (False, True):
        results.append(take(sealed(FOLLOW, is_json=is_json)).result)
        results.append(take(compatible(FOLLOW, is_json=is_json)).result)
        results.append(take(compatible(FOLLOW, is_json=is_json), BOTH).result)
        results.append(take(compatible(FOLLOW, is_json=is_json), PLAIN).result)
        results.append(take(plain(FOLLOW, is_json=is_json), BOTH).result)
        results.append(take(plain(FOLLOW, is_json=is_json), PLAIN).result)
    assert all(accepted == results[0] for accepted in results)
    assert results[0].kind == "followed"
    assert [e.data.model_dump()["event_key"] for e in results[0].events] == ["qrscene_table-7"]


def test_safe_mode_rejects_what_is_not_encrypted() -> None:
    rejected = rejection(plain(FOLLOW))
    assert rejected.reason == RejectReason.BAD_SIGNATURE
    assert "encrypted messages only" in rejected.message
    assert (
        rejection(changed(plain(FOLLOW), encrypt_type="raw")).reason == RejectReason.BAD_SIGNATURE
    )


def test_what_stands_beside_encrypt_is_not_believed() -> None:
    sent = sealed(FOLLOW, beside=event("unsubscribe", openid="oLi"))
    for of in (account(), BOTH):
        assert take(sent, of).result.kind == "followed"


def test_leaving_out_that_it_is_encrypted_does_not_avoid_the_signature() -> None:
    sent = sealed(FOLLOW, beside=event("unsubscribe"))
    for of in (account(), BOTH):
        for names in (("encrypt_type", "msg_signature"), ("msg_signature",)):
            assert rejection(without(sent, *names), of).reason == RejectReason.BAD_SIGNATURE
        assert take(without(sent, "encrypt_type"), of).result.kind == "followed"


def test_a_encrypted_message_needs_a_key() -> None:
    assert rejection(sealed(FOLLOW), PLAIN).reason == RejectReason.UNKNOWN_KEY


def test_the_former_key_is_accepted_beside_the_present_one() -> None:
    changing = account(aes_keys=(KEY, FORMER))
    assert take(sealed(FOLLOW, key=FORMER_AES_KEY), changing).result.kind == "followed"
    assert rejection(sealed(FOLLOW, key=FORMER_AES_KEY)).reason == RejectReason.UNDECRYPTABLE


# --- signatures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["signature", "timestamp", "nonce", "msg_signature"])
@pytest.mark.parametrize("wrong", ["", "0" * 40, "签名", "\ud800"])
def test_every_part_is_signed(name: str, wrong: str) -> None:
    assert rejection(changed(sealed(FOLLOW), **{name: wrong})).reason == RejectReason.BAD_SIGNATURE
    assert rejection(without(sealed(FOLLOW), name)).reason == RejectReason.BAD_SIGNATURE
    if name != "msg_signature":
        assert rejection(changed(plain(FOLLOW), **{name: wrong}), PLAIN).reason == (
            RejectReason.BAD_SIGNATURE
        )


def test_the_token_of_another_is_not_ours() -> None:
    for sent, of in ((sealed(FOLLOW, token="other"), account()), (plain(FOLLOW, token="o"), PLAIN)):
        assert rejection(sent, of).reason == RejectReason.BAD_SIGNATURE


def test_another_body_under_the_same_signature_is_rejected_when_encrypted() -> None:
    one, other = sealed(FOLLOW), sealed(event("unsubscribe"))
    assert rejection(Sent(one.query, other.body)).reason == RejectReason.BAD_SIGNATURE


def test_a_delivery_for_another_app_is_rejected() -> None:
    assert rejection(sealed(FOLLOW, appid="wxother")).reason == RejectReason.WRONG_APP
    other = {**FOLLOW, "ToUserName": "gh_other"}
    assert rejection(sealed(other)).reason == RejectReason.WRONG_APP
    assert rejection(plain(other), PLAIN).reason == RejectReason.WRONG_APP


def test_a_third_party_platform_encrypts_for_itself() -> None:
    platform = account(component_appid="wxplatform")
    sent = sealed(FOLLOW, appid="wxplatform")
    pushed = accept(sent.query, sent.body, platform, AT)
    assert pushed.result.events[0].data.appid == APPID  # type: ignore[attr-defined]
    refused = rejection(sent)
    assert refused.reason == RejectReason.WRONG_APP
    assert "component_appid" in refused.message
    assert rejection(sealed(FOLLOW), platform).reason == RejectReason.WRONG_APP
    other = sealed({**FOLLOW, "ToUserName": "gh_other"}, appid="wxplatform")
    assert rejection(other, platform).reason == RejectReason.WRONG_APP


# --- time and replays -----------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [sealed(FOLLOW), compatible(FOLLOW)])
def test_a_delivery_is_fresh(sent: Sent) -> None:
    for now_s in (AT - SKEW_S + 1, AT, AT + SKEW_S - 1):
        assert take(sent, now_s=now_s).result.kind == "followed"
    for now_s in (AT - SKEW_S, AT + SKEW_S, 0):
        assert rejection(sent, now_s=now_s).reason == RejectReason.STALE


@pytest.mark.parametrize("timestamp", ["", "now", "1.5", "-1", " 1780000000", "9" * 5000, "１"])
def test_a_timestamp_is_a_number(timestamp: str) -> None:
    query = {"timestamp": timestamp, "nonce": NONCE, "signature": digest(TOKEN, timestamp, NONCE)}
    assert rejection(Sent(query, xml(FOLLOW)), PLAIN).reason == RejectReason.STALE


def test_a_replay_key_names_what_is_signed() -> None:
    first = take(plain(FOLLOW), PLAIN)
    forged = take(plain(event("unsubscribe")), PLAIN)
    assert first.replay_key == forged.replay_key  # with another body: a replay
    others = [
        take(plain(FOLLOW, nonce="2"), PLAIN),
        take(plain(FOLLOW, AT + 1), PLAIN),
        take(plain(FOLLOW), replace(PLAIN, appid="wxother")),
        take(sealed(FOLLOW)),
        take(sealed(event("unsubscribe"))),
    ]
    assert len({pushed.replay_key for pushed in [first, *others]}) == 6
    # what is not signed does not make it another one
    again = take(changed(plain(FOLLOW), msg_signature="x", openid="oLi"), PLAIN)
    assert again.replay_key == first.replay_key


# --- bad input ------------------------------------------------------------------------------------


def test_a_body_has_a_limit_that_is_checked_first() -> None:
    big = {**message(), "Content": "x" * BODY_BYTES_MAX}
    assert rejection(plain(big), PLAIN).reason == RejectReason.TOO_LARGE
    assert rejection(changed(plain(big), signature="")).reason == RejectReason.TOO_LARGE


def test_a_message_of_the_longest_text_fits_in_every_mode() -> None:
    long = message(Content="七" * 2048)
    for is_json in (False, True):
        assert take(compatible(long, is_json=is_json)).result.kind == "message"


@pytest.mark.parametrize(
    "body",
    [b"", b"<xml>", b"{", b"\xff", b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', b"{" * 9_000],
)
def test_what_cannot_be_read_is_malformed_encrypted_or_not(body: bytes) -> None:
    assert rejection(plain(body), PLAIN).reason == RejectReason.MALFORMED
    assert rejection(sealed(body)).reason == RejectReason.MALFORMED
    # and is looked at only when it is WeChat's
    assert rejection(plain(body, token="other"), PLAIN).reason == RejectReason.BAD_SIGNATURE


@pytest.mark.parametrize("encrypt", ["", "no Base64", "AAAA"])
def test_what_cannot_be_opened_is_rejected(encrypt: str) -> None:
    signature = digest(TOKEN, str(AT), NONCE, encrypt)
    query = {**signed(), "encrypt_type": "aes", "msg_signature": signature}
    body = xml({"ToUserName": ORIGINAL_ID, "Encrypt": encrypt})
    assert rejection(Sent(query, body)).reason == RejectReason.UNDECRYPTABLE


def test_encrypt_is_one_text() -> None:
    query = sealed(FOLLOW).query
    for body in (xml({"Encrypt": {"a": "b"}}), b'{"Encrypt": ["a", "b"]}'):
        assert rejection(Sent(query, body)).reason == RejectReason.MALFORMED


def test_no_rejection_repeats_what_was_sent() -> None:
    secret = event("subscribe", openid="o/Secret")
    for sent, of in (
        (sealed(secret), account()),
        (plain(secret), PLAIN),
        (plain(secret, nonce="Secret"), account()),
        (sealed(secret, appid="Secret"), account()),
        (sealed(secret, token="Secret"), account()),
    ):
        assert "Secret" not in str(rejection(sent, of))


# --- the check of the URL -------------------------------------------------------------------------


def test_the_check_of_the_url_is_answered_with_its_echo() -> None:
    for echo in ("4375120948345356249", "a-Z_0+/="):
        assert check_url({**signed(), "echostr": echo}, account()) == echo


@pytest.mark.parametrize("echo", ["", "<script>", "a b", "a\n", "七", "x" * 257])
def test_an_echo_is_nothing_a_browser_would_run(echo: str) -> None:
    with pytest.raises(DeliveryRejected) as caught:
        check_url({**signed(), "echostr": echo}, account())
    assert caught.value.reason == RejectReason.MALFORMED


def test_a_check_that_is_not_signed_is_rejected() -> None:
    for query in ({}, {**signed(token="other"), "echostr": "1"}, {"echostr": "1"}):
        with pytest.raises(DeliveryRejected) as caught:
            check_url(query, account())
        assert caught.value.reason == RejectReason.BAD_SIGNATURE


# --- replies --------------------------------------------------------------------------------------


def read_xml(body: bytes) -> dict[str, str]:
    return {child.tag: child.text or "" for child in ElementTree.fromstring(body)}


@pytest.mark.parametrize(
    ("answered", "content"),
    each(
        (True, event("subscribe"), event("SCAN", EventKey="table-7")),
        (True, event("CLICK", EventKey="offer"), message()),
        (False, event("unsubscribe"), event("VIEW", EventKey="https://abc.example")),
        (False, event("user_authorization_revoke", OpenID=MEI)),
        (False, event("TEMPLATESENDJOBFINISH", MsgID=1, Status="success"), event("LOCATION")),
        (False, event("some_day")),
    ),
)
def test_who_did_something_can_be_answered(content: Any, answered: bool) -> None:
    assert (take(sealed(content)).reply_to is not None) is answered


def test_a_reply_comes_to_the_sender_from_the_account() -> None:
    to = take(plain(FOLLOW), PLAIN).reply_to
    assert to is not None
    answer = read_xml(reply("Welcome!", to, PLAIN, AT, NONCE, RANDOM))
    assert (answer["ToUserName"], answer["FromUserName"]) == (MEI, ORIGINAL_ID)
    assert answer["Content"] == "Welcome!"


@pytest.mark.parametrize("key", [ENCODING_AES_KEY, FORMER_AES_KEY])
def test_a_reply_is_encrypted_as_the_delivery_was(key: str) -> None:
    changing = account(aes_keys=(KEY, FORMER))
    to = take(sealed(FOLLOW, key=key), changing).reply_to
    assert to is not None
    envelope = read_xml(reply("Welcome!", to, changing, AT, NONCE, RANDOM))
    content, _ = decrypted(envelope["Encrypt"], key)
    assert read_xml(content)["Content"] == "Welcome!"


def test_a_reply_is_json_where_the_delivery_was() -> None:
    for sent, of in (
        (plain(FOLLOW, is_json=True), PLAIN),
        (sealed(FOLLOW, is_json=True), account()),
    ):
        to = take(sent, of).reply_to
        assert to is not None
        assert reply("Welcome!", to, of, AT, NONCE, RANDOM).startswith(b"{")
