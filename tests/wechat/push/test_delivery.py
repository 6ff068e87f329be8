"""Deliveries as they come over HTTP: who may send them, in which mode, how they are answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from stream.wechat.heard import Heard, NotHeard, Refusal
from stream.wechat.push.account import Mode, PushAccount, aes_key
from stream.wechat.push.delivery import (
    BODY_BYTES_MAX,
    SKEW_S,
    Pushed,
    greeting,
    hear,
    reply,
)
from tests.wechat.push.build import (
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


def take(sent: Sent, of: PushAccount | None = None, now_s: int = AT) -> Pushed:
    return hear(sent.query, sent.body, of or account(), now_s)


def refusal(sent: Sent, of: PushAccount | None = None, now_s: int = AT) -> NotHeard:
    with pytest.raises(NotHeard) as caught:
        take(sent, of, now_s)
    return caught.value


def without(sent: Sent, *names: str) -> Sent:
    return replace(sent, query={k: v for k, v in sent.query.items() if k not in names})


def changed(sent: Sent, **query: str) -> Sent:
    return replace(sent, query={**sent.query, **query})


# --- modes ----------------------------------------------------------------------------------------


def test_every_mode_and_format_says_the_same() -> None:
    heards: list[Heard] = []
    for is_json in (False, True):
        heards.append(take(sealed(FOLLOW, is_json=is_json)).heard)
        heards.append(take(compatible(FOLLOW, is_json=is_json)).heard)
        heards.append(take(compatible(FOLLOW, is_json=is_json), BOTH).heard)
        heards.append(take(compatible(FOLLOW, is_json=is_json), PLAIN).heard)
        heards.append(take(plain(FOLLOW, is_json=is_json), BOTH).heard)
        heards.append(take(plain(FOLLOW, is_json=is_json), PLAIN).heard)
    assert all(heard == heards[0] for heard in heards)
    assert heards[0].kind == "followed"
    assert [e.data.model_dump()["event_key"] for e in heards[0].events] == ["qrscene_table-7"]


def test_safe_mode_refuses_what_is_not_sealed() -> None:
    refused = refusal(plain(FOLLOW))
    assert refused.reason == Refusal.BAD_SIGNATURE
    assert "sealed messages only" in refused.message
    assert refusal(changed(plain(FOLLOW), encrypt_type="raw")).reason == Refusal.BAD_SIGNATURE


def test_what_stands_beside_encrypt_is_not_believed() -> None:
    sent = sealed(FOLLOW, beside=event("unsubscribe", openid="oLi"))
    for of in (account(), BOTH):
        assert take(sent, of).heard.kind == "followed"


def test_leaving_out_that_it_is_sealed_does_not_avoid_the_signature() -> None:
    sent = sealed(FOLLOW, beside=event("unsubscribe"))
    for of in (account(), BOTH):
        for names in (("encrypt_type", "msg_signature"), ("msg_signature",)):
            assert refusal(without(sent, *names), of).reason == Refusal.BAD_SIGNATURE
        assert take(without(sent, "encrypt_type"), of).heard.kind == "followed"


def test_a_sealed_message_needs_a_key() -> None:
    assert refusal(sealed(FOLLOW), PLAIN).reason == Refusal.UNKNOWN_KEY


def test_the_former_key_is_accepted_beside_the_present_one() -> None:
    changing = account(aes_keys=(KEY, FORMER))
    assert take(sealed(FOLLOW, key=FORMER_AES_KEY), changing).heard.kind == "followed"
    assert refusal(sealed(FOLLOW, key=FORMER_AES_KEY)).reason == Refusal.UNDECRYPTABLE


# --- signatures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["signature", "timestamp", "nonce", "msg_signature"])
@pytest.mark.parametrize("wrong", ["", "0" * 40, "签名", "\ud800"])
def test_every_part_is_signed(name: str, wrong: str) -> None:
    assert refusal(changed(sealed(FOLLOW), **{name: wrong})).reason == Refusal.BAD_SIGNATURE
    assert refusal(without(sealed(FOLLOW), name)).reason == Refusal.BAD_SIGNATURE
    if name != "msg_signature":
        assert refusal(changed(plain(FOLLOW), **{name: wrong}), PLAIN).reason == (
            Refusal.BAD_SIGNATURE
        )


def test_the_token_of_another_is_not_ours() -> None:
    for sent, of in ((sealed(FOLLOW, token="other"), account()), (plain(FOLLOW, token="o"), PLAIN)):
        assert refusal(sent, of).reason == Refusal.BAD_SIGNATURE


def test_another_body_under_the_same_signature_is_refused_when_sealed() -> None:
    one, other = sealed(FOLLOW), sealed(event("unsubscribe"))
    assert refusal(Sent(one.query, other.body)).reason == Refusal.BAD_SIGNATURE


def test_a_delivery_for_another_app_is_refused() -> None:
    assert refusal(sealed(FOLLOW, appid="wxother")).reason == Refusal.WRONG_APP
    other = {**FOLLOW, "ToUserName": "gh_other"}
    assert refusal(sealed(other)).reason == Refusal.WRONG_APP
    assert refusal(plain(other), PLAIN).reason == Refusal.WRONG_APP


# --- time and replays -----------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [sealed(FOLLOW), compatible(FOLLOW)])
def test_a_delivery_is_fresh(sent: Sent) -> None:
    for now_s in (AT - SKEW_S + 1, AT, AT + SKEW_S - 1):
        assert take(sent, now_s=now_s).heard.kind == "followed"
    for now_s in (AT - SKEW_S, AT + SKEW_S, 0):
        assert refusal(sent, now_s=now_s).reason == Refusal.STALE


@pytest.mark.parametrize("timestamp", ["", "now", "1.5", "-1", " 1780000000", "9" * 5000, "１"])
def test_a_timestamp_is_a_number(timestamp: str) -> None:
    query = {
        "timestamp": timestamp,
        "nonce": NONCE,
        "signature": digest(TOKEN, timestamp, NONCE),
    }
    assert refusal(Sent(query, xml(FOLLOW)), PLAIN).reason == Refusal.STALE


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


def test_a_body_has_a_limit_which_is_checked_first() -> None:
    big = {**message(), "Content": "x" * BODY_BYTES_MAX}
    assert refusal(plain(big), PLAIN).reason == Refusal.TOO_LARGE
    assert refusal(changed(plain(big), signature="")).reason == Refusal.TOO_LARGE


def test_a_message_of_the_longest_text_fits_in_every_mode() -> None:
    long = message(Content="七" * 2048)
    for is_json in (False, True):
        assert take(compatible(long, is_json=is_json)).heard.kind == "message"


@pytest.mark.parametrize(
    "body",
    [b"", b"<xml>", b"{", b"\xff", b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', b"{" * 9_000],
)
def test_what_cannot_be_read_is_malformed_sealed_or_not(body: bytes) -> None:
    assert refusal(plain(body), PLAIN).reason == Refusal.MALFORMED
    assert refusal(sealed(body)).reason == Refusal.MALFORMED
    # and is looked at only when it is WeChat's
    assert refusal(plain(body, token="other"), PLAIN).reason == Refusal.BAD_SIGNATURE


@pytest.mark.parametrize("encrypt", ["", "no Base64", "AAAA"])
def test_what_cannot_be_opened_is_refused(encrypt: str) -> None:
    signature = digest(TOKEN, str(AT), NONCE, encrypt)
    query = {**signed(), "encrypt_type": "aes", "msg_signature": signature}
    body = xml({"ToUserName": ORIGINAL_ID, "Encrypt": encrypt})
    assert refusal(Sent(query, body)).reason == Refusal.UNDECRYPTABLE


def test_encrypt_is_one_text() -> None:
    query = sealed(FOLLOW).query
    for body in (xml({"Encrypt": {"a": "b"}}), b'{"Encrypt": ["a", "b"]}'):
        assert refusal(Sent(query, body)).reason == Refusal.MALFORMED


def test_no_refusal_repeats_what_was_sent() -> None:
    secret = event("subscribe", openid="o/Secret")
    for sent, of in (
        (sealed(secret), account()),
        (plain(secret), PLAIN),
        (plain(secret, nonce="Secret"), account()),
        (sealed(secret, appid="Secret"), account()),
        (sealed(secret, token="Secret"), account()),
    ):
        assert "Secret" not in str(refusal(sent, of))


# --- the check of the URL -------------------------------------------------------------------------


def test_the_check_of_the_url_is_answered_with_its_echo() -> None:
    for echo in ("4375120948345356249", "a-Z_0+/="):
        assert greeting({**signed(), "echostr": echo}, account()) == echo


@pytest.mark.parametrize("echo", ["", "<script>", "a b", "a\n", "七", "x" * 257])
def test_an_echo_is_nothing_a_browser_would_run(echo: str) -> None:
    with pytest.raises(NotHeard) as caught:
        greeting({**signed(), "echostr": echo}, account())
    assert caught.value.reason == Refusal.MALFORMED


def test_a_check_which_is_not_signed_is_refused() -> None:
    for query in ({}, {**signed(token="other"), "echostr": "1"}, {"echostr": "1"}):
        with pytest.raises(NotHeard) as caught:
            greeting(query, account())
        assert caught.value.reason == Refusal.BAD_SIGNATURE


# --- replies --------------------------------------------------------------------------------------


def read_xml(body: bytes) -> dict[str, str]:
    return {child.tag: child.text or "" for child in ElementTree.fromstring(body)}


@pytest.mark.parametrize(
    ("content", "answered"),
    [
        (event("subscribe"), True),
        (event("SCAN", EventKey="table-7"), True),
        (event("CLICK", EventKey="offer"), True),
        (message(), True),
        (event("unsubscribe"), False),
        (event("VIEW", EventKey="https://abc.example"), False),
        (event("user_authorization_revoke", OpenID=MEI), False),
        (event("TEMPLATESENDJOBFINISH", MsgID=1, Status="success"), False),
        (event("LOCATION"), False),
        (event("some_day"), False),
    ],
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
def test_a_reply_is_sealed_as_the_delivery_was(key: str) -> None:
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
