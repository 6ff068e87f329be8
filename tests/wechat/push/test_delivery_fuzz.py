# SPDX-License-Identifier: Apache-2.0
"""Any delivery gives a `PushAccepted` or a `DeliveryRejected`, never anything else.

``FUZZ_EXAMPLES=100000`` (per test) makes a long run of it, and ``-s`` tells how many inputs ran.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.codec import binary_headers, decode, encode_data
from stream.wechat.delivery_result import DeliveryRejected
from stream.wechat.push.account import Mode, PushAccount
from stream.wechat.push.delivery import accept, check_url
from stream.wechat.push.events import PUSHES
from tests.wechat.push.build import (
    AT,
    Sent,
    account,
    compatible,
    event,
    message,
    plain,
    plain_account,
    sealed,
    signed,
    xml,
)
from tests.wechat.push.test_events import SHAPES

pytestmark = pytest.mark.fuzz

EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "300"))
CONTENTS: Final = [content for content, _, _ in SHAPES.values()]
SAFE, BOTH, PLAIN = account(), account(mode=Mode.COMPATIBLE), plain_account()

ran: Counter[str] = Counter()
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(autouse=True, scope="module")
def _summary() -> Iterator[None]:
    yield
    print(f"\n{ran.total()} inputs: {dict(ran.most_common())}")


def survives(sent: Sent, of: PushAccount) -> None:
    """Only what is allowed comes out, and what is published can be read by whom it is for."""
    try:
        pushed = accept(sent.query, sent.body, of, AT)
    except DeliveryRejected as rejected:
        ran[rejected.reason.value] += 1
        return
    ran["accepted"] += 1
    for made in pushed.result.events:
        headers = binary_headers(made.type, made.id, "urn:test", made.time)
        assert decode(encode_data(made.data), headers, made.topic).data == made.data


accounts = st.sampled_from([SAFE, BOTH, PLAIN])
texts = st.text(max_size=30)
queries = st.dictionaries(
    st.sampled_from(
        ["signature", "timestamp", "nonce", "msg_signature", "encrypt_type", "echostr", "openid"]
    ),
    st.one_of(texts, st.sampled_from([str(AT), "aes", *signed().values()])),
)


@fuzzed
@given(queries, st.binary(max_size=200), accounts)
def test_anything_unsigned(query: dict[str, str], body: bytes, of: PushAccount) -> None:
    survives(Sent(query, body), of)
    try:
        check_url(query, of)
    except DeliveryRejected as rejected:
        ran[rejected.reason.value] += 1


@fuzzed
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_that_are_signed(body: bytes, is_sealed: bool) -> None:
    survives(*((sealed(body), SAFE) if is_sealed else (plain(body), PLAIN)))


# --- mutated deliveries ---------------------------------------------------------------------------

bits = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4)
PIECES = (
    *(b"<", b">", b"]]>", b"<![CDATA[", b"&a;", b"&#0;", b"<!DOCTYPE x>", b"<?x ?>", b"<List>"),
    *(b'"', b"{", b"}", b"[", b"\\u", b"null", b"-0", b"1e999", b"\xff", b"\x00", b"\xe2\x80\xa8"),
)
pieces = st.sampled_from(PIECES)
cuts = st.tuples(st.integers(0, 10_000), st.integers(0, 200), st.one_of(st.just(b""), pieces))


def mutated(body: bytes, changes: list[tuple[int, int]], cut: tuple[int, int, bytes]) -> bytes:
    start, length, piece = cut[0] % (len(body) + 1), cut[1], cut[2]
    altered = bytearray(body[:start] + piece + body[start + length :])
    for place, value in changes:
        if altered:
            altered[place % len(altered)] = value
    return bytes(altered)


@fuzzed
@given(st.sampled_from(CONTENTS), st.booleans(), bits, cuts, st.booleans())
def test_mutated_messages(
    content: Any, is_json: bool, changes: Any, cut: Any, is_sealed: bool
) -> None:
    body = json.dumps(content, ensure_ascii=False).encode() if is_json else xml(content)
    body = mutated(body, changes, cut)
    survives(*((sealed(body), SAFE) if is_sealed else (plain(body), PLAIN)))


@fuzzed
@given(st.sampled_from(CONTENTS), st.booleans(), bits, cuts, accounts)
def test_mutated_envelopes(
    content: Any, is_json: bool, changes: Any, cut: Any, of: PushAccount
) -> None:
    sent = compatible(content, is_json=is_json)
    survives(Sent(sent.query, mutated(sent.body, changes, cut)), of)


# --- trees: messages with anything in their fields ------------------------------------------------

NAMES = sorted(
    {name for content in CONTENTS for name in content}
    | {"List", "SubscribeMsgPopupEvent", "TemplateId", "SubscribeStatusString", "MsgID", " OpenID"}
    | {"ErrorCode", "TransId", "Encrypt", "x"}
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=40),
    st.sampled_from(["OPENID", "fromUser", "", " ", "accept", "1780000000", "last_trade_no_1"]),
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)
fields = st.dictionaries(st.sampled_from(NAMES), trees, max_size=6)
names = st.sampled_from([*sorted(PUSHES), "other"])


@fuzzed
@given(names, fields, st.booleans())
def test_json_of_any_values(name: str, more: dict[str, Any], is_event: bool) -> None:
    content = {**(event(name) if is_event else message()), **more}
    body = json.dumps(content).encode("utf-8", "surrogatepass")
    survives(sealed(body, is_json=True), SAFE)


def element(name: str, value: Any) -> str:
    tag = name.strip()
    if isinstance(value, list):
        return "".join(element(name, item) for item in value)
    if isinstance(value, dict):
        return f"<{tag}>{''.join(element(n, v) for n, v in value.items())}</{tag}>"
    return f"<{tag}>{str(value).replace('<', '&lt;').replace('&', '&amp;')}</{tag}>"


@fuzzed
@given(names, fields, st.booleans())
def test_xml_of_any_values(name: str, more: dict[str, Any], is_event: bool) -> None:
    content = {**(event(name) if is_event else message()), **more}
    body = f"<xml>{''.join(element(n, v) for n, v in content.items())}</xml>"
    survives(sealed(body.encode("utf-8", "replace")), SAFE)
