# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.brand.clients import ClientKind
from stream.gateway.endpoints.request_signatures import RequestSignatures, signature
from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from tests.gateway.endpoints.build import CLIENTS, NOW_MS, NOW_S, TILL, client, signed

BODY = b'{"events": []}'


def rejected(
    signatures: RequestSignatures, headers: dict[str, str], body: bytes = BODY
) -> RejectReason:
    with pytest.raises(DeliveryRejected) as caught:
        signatures.client(headers, body, NOW_MS)
    return caught.value.reason


def test_the_client_that_signed_is_known() -> None:
    assert RequestSignatures(CLIENTS).client(signed(TILL, BODY), BODY, NOW_MS) is TILL


def test_the_signature_is_hmac_over_timestamp_nonce_and_bytes() -> None:
    expected = hmac.new(b"key", b"1772323200\nnonce-0001\n\x00\xff", hashlib.sha256).hexdigest()

    assert signature(b"key", "1772323200", "nonce-0001", b"\x00\xff") == expected


def test_current_and_previous_key_both_fit() -> None:
    till = client(ClientKind.TILL, keys=(b"new" * 12, b"old" * 12))
    signatures = RequestSignatures({till.id: till})

    for number, key in enumerate(till.keys):
        headers = signed(till, BODY, key=key, nonce=f"nonce-000{number}")
        assert signatures.client(headers, BODY, NOW_MS) is till
    assert rejected(signatures, signed(till, BODY, key=b"other" * 8)) is RejectReason.BAD_SIGNATURE


@pytest.mark.parametrize("name", sorted(signed(TILL, BODY)))
def test_every_header_is_needed(name: str) -> None:
    headers = signed(TILL, BODY)
    del headers[name]

    assert rejected(RequestSignatures(CLIENTS), headers) is RejectReason.UNAUTHORISED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"shadowpoints-client": "stranger"}, RejectReason.UNKNOWN_KEY),
        ({"shadowpoints-client": "backend-1"}, RejectReason.BAD_SIGNATURE),
        ({"shadowpoints-timestamp": "yesterday"}, RejectReason.MALFORMED),
        ({"shadowpoints-timestamp": "-1"}, RejectReason.MALFORMED),
        ({"shadowpoints-timestamp": "１７７２３２３２００"}, RejectReason.MALFORMED),
        ({"shadowpoints-timestamp": str(NOW_S + 1)}, RejectReason.BAD_SIGNATURE),
        ({"shadowpoints-nonce": "short"}, RejectReason.MALFORMED),
        ({"shadowpoints-nonce": "nonce\n0001"}, RejectReason.MALFORMED),
        ({"shadowpoints-nonce": "nonce-0002"}, RejectReason.BAD_SIGNATURE),
        ({"shadowpoints-signature": "0" * 64}, RejectReason.BAD_SIGNATURE),
        ({"shadowpoints-signature": "ÿ"}, RejectReason.BAD_SIGNATURE),
    ],
)
def test_a_changed_header_is_rejected(changes: dict[str, str], reason: RejectReason) -> None:
    assert rejected(RequestSignatures(CLIENTS), signed(TILL, BODY) | changes) is reason


def test_a_changed_body_is_rejected() -> None:
    assert (
        rejected(RequestSignatures(CLIENTS), signed(TILL, BODY), BODY + b" ")
        is RejectReason.BAD_SIGNATURE
    )


@pytest.mark.parametrize("off_s", [-300, 300, -86_400, 86_400])
def test_a_request_of_another_time_is_stale(off_s: int) -> None:
    headers = signed(TILL, BODY, at_s=NOW_S + off_s)

    assert rejected(RequestSignatures(CLIENTS), headers) is RejectReason.STALE


@pytest.mark.parametrize("off_s", [-299, 299])
def test_clocks_may_differ_a_little(off_s: int) -> None:
    headers = signed(TILL, BODY, at_s=NOW_S + off_s)

    assert RequestSignatures(CLIENTS).client(headers, BODY, NOW_MS) is TILL


def test_an_accepted_request_is_not_taken_again_while_its_time_would_do() -> None:
    signatures = RequestSignatures(CLIENTS)
    headers = signed(TILL, BODY, at_s=NOW_S + 299)
    signatures.accepted(headers, TILL, NOW_MS)

    assert rejected(signatures, headers) is RejectReason.REPLAYED
    with pytest.raises(DeliveryRejected) as caught:
        signatures.client(headers, BODY, NOW_MS + 598_000)
    assert caught.value.reason is RejectReason.REPLAYED
    with pytest.raises(DeliveryRejected) as caught:
        signatures.client(headers, BODY, NOW_MS + 600_000)
    assert caught.value.reason is RejectReason.STALE


def test_a_request_that_failed_may_come_again_as_it_is() -> None:
    signatures = RequestSignatures(CLIENTS)
    headers = signed(TILL, BODY)
    signatures.client(headers, BODY, NOW_MS)

    assert signatures.client(headers, BODY, NOW_MS) is TILL


def test_two_clients_may_use_the_same_nonce() -> None:
    signatures = RequestSignatures(CLIENTS)
    signatures.accepted(signed(TILL, BODY), TILL, NOW_MS)
    backend = CLIENTS["backend-1"]

    assert signatures.client(signed(backend, BODY), BODY, NOW_MS) is backend


_HEADERS = st.dictionaries(st.sampled_from(sorted(signed(TILL, BODY))), st.text(max_size=70))


@given(changes=_HEADERS, body=st.binary(max_size=50))
def test_any_headers_are_a_client_or_a_rejection(changes: dict[str, str], body: bytes) -> None:
    with contextlib.suppress(DeliveryRejected):
        assert RequestSignatures(CLIENTS).client(signed(TILL, BODY) | changes, body, NOW_MS) is TILL
        assert body == BODY


@pytest.mark.parametrize("name", sorted(signed(TILL, BODY)))
def test_a_rejection_repeats_nothing_of_what_was_sent(name: str) -> None:
    with pytest.raises(DeliveryRejected) as caught:
        RequestSignatures(CLIENTS).client(signed(TILL, BODY) | {name: "oSecretly~"}, BODY, NOW_MS)

    assert "oSecretly" not in caught.value.message
