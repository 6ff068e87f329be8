# SPDX-License-Identifier: Apache-2.0
"""Any delivery is accepted or rejected; no other exception comes out.

``FUZZ_EXAMPLES=20000`` (per test) makes a long run of it, and ``-s`` tells how many inputs ran.
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

from schemas import binary_headers, decode, encode_data
from stream.wechat.delivery_result import DeliveryAccepted, DeliveryRejected, RejectReason
from stream.wechat.pay.kinds import Kind
from stream.wechat.pay.notification import accept
from tests.wechat.pay.sealed import NOW_S, Delivery, Platform, merchant
from tests.wechat.pay.shapes import SHAPES

pytestmark = pytest.mark.fuzz

MERCHANT = merchant()
PLATFORM = Platform()
EXAMPLES = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "150")),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
MARK: Final = "zQ9"  # in every text that is made up, so that an echo of it shows

ran: Counter[str] = Counter()


@pytest.fixture(autouse=True, scope="module")
def _summary() -> Iterator[None]:
    yield
    print(f"\n{ran.total()} inputs: {dict(ran.most_common())}")


def judged(delivery: Delivery) -> DeliveryAccepted | RejectReason:
    """What it came to, once it has been seen to be nothing else."""
    result = _outcome(delivery)
    if isinstance(result, DeliveryRejected):
        ran[result.reason.value] += 1
        assert MARK not in result.message
        assert len(result.message) < 1000
        return result.reason
    ran[str(result.kind)] += 1
    assert result.kind in {*Kind}
    for event in result.events:
        headers = binary_headers(event.type, event.id, "urn:example", event.time)
        assert decode(encode_data(event.data), headers, event.topic).data == event.data
    return result


def _outcome(delivery: Delivery) -> DeliveryAccepted | DeliveryRejected:
    try:
        return accept(delivery.headers, delivery.body, MERCHANT, NOW_S)
    except DeliveryRejected as rejected:
        return rejected


_TEXT = st.text(max_size=20).map(lambda text: text + MARK) | st.sampled_from(
    [
        *("", " ", "CNY", "HKD", "SUCCESS", "CLOSED", "PARKING", "PAP", "20260301081230"),
        *("2026-03-01T08:12:30+08:00", "20261332996199", "0001-01-01T00:00:00+08:00", "openid"),
        *("\ud800", "1" * 200),
    ]
)
_NUMBER = st.integers() | st.floats() | st.sampled_from([2**63, 10**400, -1, 0, 10**12 + 1])
_SCALAR = st.none() | st.booleans() | _NUMBER | _TEXT


def _names(value: Any) -> set[str]:
    if type(value) is dict:
        return set(value).union(*map(_names, value.values()))
    return set().union(*map(_names, value)) if type(value) is list else set()


_NAME = st.sampled_from(sorted(set().union(*(_names(s.data) for s in SHAPES.values()))))
_DOCUMENT = st.recursive(
    _SCALAR,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(_NAME | st.text(max_size=5), inner, max_size=8)
    ),
    max_leaves=25,
)
_SHAPE = st.sampled_from(sorted(SHAPES))
_EVENT_TYPE = st.sampled_from(sorted({s.event_type for s in SHAPES.values()})) | _TEXT
_ORIGINAL_TYPE = st.sampled_from(sorted({s.original_type for s in SHAPES.values()})) | _TEXT


@EXAMPLES
@given(
    st.dictionaries(
        st.sampled_from(sorted(PLATFORM.sign(b"").headers)) | st.text(max_size=10), st.text()
    ),
    st.binary(max_size=500),
)
def test_random_bytes_are_rejected(headers: dict[str, str], body: bytes) -> None:
    assert isinstance(judged(Delivery(headers, body)), RejectReason)


@EXAMPLES
@given(st.binary(max_size=500) | st.text(max_size=200).map(str.encode))
def test_random_bytes_are_rejected_even_if_signed(body: bytes) -> None:
    assert judged(PLATFORM.sign(body)) is RejectReason.MALFORMED
    assert judged(PLATFORM.deliver(body)) is RejectReason.MALFORMED


@EXAMPLES
@given(_SHAPE, st.data())
def test_a_changed_delivery_is_rejected(name: str, data: st.DataObject) -> None:
    sent = PLATFORM.send(SHAPES[name])
    start = data.draw(st.integers(0, len(sent.body)))
    cut = data.draw(st.integers(0, 20))
    put = data.draw(st.binary(max_size=20))
    body = sent.body[:start] + put + sent.body[start + cut :]
    result = judged(Delivery(sent.headers, body))
    assert result is RejectReason.BAD_SIGNATURE or body == sent.body


@EXAMPLES
@given(_SHAPE, st.data())
def test_a_changed_delivery_is_survived_even_if_signed(name: str, data: st.DataObject) -> None:
    body = PLATFORM.send(SHAPES[name]).body
    start = data.draw(st.integers(0, len(body)))
    put = data.draw(st.binary(max_size=5) | st.sampled_from([b'"', b"}", b"null", b"[[", b'":']))
    judged(PLATFORM.sign(body[:start] + put + body[start + data.draw(st.integers(0, 9)) :]))


@EXAMPLES
@given(_SHAPE, st.data())
def test_a_changed_payload_is_survived(name: str, data: st.DataObject) -> None:
    plain = json.dumps(SHAPES[name].data, ensure_ascii=False).encode()
    start = data.draw(st.integers(0, len(plain)))
    put = data.draw(st.binary(max_size=5) | st.sampled_from([b'"', b"1e99", b"null", b"9" * 30]))
    mutated = plain[:start] + put + plain[start + data.draw(st.integers(0, 9)) :]
    judged(PLATFORM.send(SHAPES[name], mutated))


@EXAMPLES
@given(_SHAPE, st.data())
def test_fields_of_any_value_are_survived(name: str, data: st.DataObject) -> None:
    payload = json.loads(json.dumps(SHAPES[name].data))
    for _ in range(data.draw(st.integers(1, 3))):
        node: Any = payload
        while True:
            where = sorted(node) if type(node) is dict else range(len(node))
            if not where:
                break
            step = data.draw(st.sampled_from(list(where)))
            if type(node[step]) not in (dict, list) or data.draw(st.booleans()):
                node[step] = data.draw(_DOCUMENT)
                break
            node = node[step]
    judged(PLATFORM.send(SHAPES[name], json.dumps(payload).encode()))


@EXAMPLES
@given(_DOCUMENT, _EVENT_TYPE, _ORIGINAL_TYPE, _TEXT)
def test_any_document_is_survived(
    document: Any, event_type: str, original_type: str, create_time: str
) -> None:
    plain = json.dumps(document).encode()
    envelope = {
        "event_type": event_type.encode(errors="replace").decode(),
        "original_type": original_type.encode(errors="replace").decode(),
        "create_time": create_time.encode(errors="replace").decode(),
    }
    judged(PLATFORM.deliver(plain, **envelope))
