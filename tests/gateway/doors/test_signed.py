from __future__ import annotations

import contextlib
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.gateway.doors.clients import ClientKind
from stream.gateway.doors.signed import Signatures, signature
from stream.wechat.heard import NotHeard, Refusal
from tests.gateway.doors.build import CLIENTS, NOW_MS, NOW_S, TILL, client, signed

BODY = b'{"events": []}'


def refused(signatures: Signatures, headers: dict[str, str], body: bytes = BODY) -> Refusal:
    with pytest.raises(NotHeard) as caught:
        signatures.client(headers, body, NOW_MS)
    return caught.value.reason


def test_the_client_which_signed_is_known() -> None:
    assert Signatures(CLIENTS).client(signed(TILL, BODY), BODY, NOW_MS) is TILL


def test_the_signature_is_hmac_over_timestamp_nonce_and_bytes() -> None:
    expected = hmac.new(b"key", b"1772323200\nnonce-0001\n\x00\xff", hashlib.sha256).hexdigest()

    assert signature(b"key", "1772323200", "nonce-0001", b"\x00\xff") == expected


def test_current_and_previous_key_both_fit() -> None:
    till = client(ClientKind.TILL, keys=(b"new" * 12, b"old" * 12))
    signatures = Signatures({till.id: till})

    for number, key in enumerate(till.keys):
        headers = signed(till, BODY, key=key, nonce=f"nonce-000{number}")
        assert signatures.client(headers, BODY, NOW_MS) is till
    assert refused(signatures, signed(till, BODY, key=b"other" * 8)) is Refusal.BAD_SIGNATURE


@pytest.mark.parametrize("name", sorted(signed(TILL, BODY)))
def test_every_header_is_needed(name: str) -> None:
    headers = signed(TILL, BODY)
    del headers[name]

    assert refused(Signatures(CLIENTS), headers) is Refusal.UNAUTHORISED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"shadowpoints-client": "stranger"}, Refusal.UNKNOWN_KEY),
        ({"shadowpoints-client": "backend-1"}, Refusal.BAD_SIGNATURE),
        ({"shadowpoints-timestamp": "yesterday"}, Refusal.MALFORMED),
        ({"shadowpoints-timestamp": "-1"}, Refusal.MALFORMED),
        ({"shadowpoints-timestamp": "１７７２３２３２００"}, Refusal.MALFORMED),
        ({"shadowpoints-timestamp": str(NOW_S + 1)}, Refusal.BAD_SIGNATURE),
        ({"shadowpoints-nonce": "short"}, Refusal.MALFORMED),
        ({"shadowpoints-nonce": "nonce\n0001"}, Refusal.MALFORMED),
        ({"shadowpoints-nonce": "nonce-0002"}, Refusal.BAD_SIGNATURE),
        ({"shadowpoints-signature": "0" * 64}, Refusal.BAD_SIGNATURE),
        ({"shadowpoints-signature": "ÿ"}, Refusal.BAD_SIGNATURE),
    ],
)
def test_a_changed_header_is_refused(changes: dict[str, str], reason: Refusal) -> None:
    assert refused(Signatures(CLIENTS), signed(TILL, BODY) | changes) is reason


def test_a_changed_body_is_refused() -> None:
    assert refused(Signatures(CLIENTS), signed(TILL, BODY), BODY + b" ") is Refusal.BAD_SIGNATURE


@pytest.mark.parametrize("off_s", [-300, 300, -86_400, 86_400])
def test_a_request_of_another_time_is_stale(off_s: int) -> None:
    headers = signed(TILL, BODY, at_s=NOW_S + off_s)

    assert refused(Signatures(CLIENTS), headers) is Refusal.STALE


@pytest.mark.parametrize("off_s", [-299, 299])
def test_clocks_may_differ_a_little(off_s: int) -> None:
    headers = signed(TILL, BODY, at_s=NOW_S + off_s)

    assert Signatures(CLIENTS).client(headers, BODY, NOW_MS) is TILL


def test_an_accepted_request_is_not_taken_again_while_its_time_would_do() -> None:
    signatures = Signatures(CLIENTS)
    headers = signed(TILL, BODY, at_s=NOW_S + 299)
    signatures.accepted(headers, TILL, NOW_MS)

    assert refused(signatures, headers) is Refusal.REPLAYED
    with pytest.raises(NotHeard) as caught:
        signatures.client(headers, BODY, NOW_MS + 598_000)
    assert caught.value.reason is Refusal.REPLAYED
    with pytest.raises(NotHeard) as caught:
        signatures.client(headers, BODY, NOW_MS + 600_000)
    assert caught.value.reason is Refusal.STALE


def test_a_request_which_failed_may_come_again_as_it_is() -> None:
    signatures = Signatures(CLIENTS)
    headers = signed(TILL, BODY)
    signatures.client(headers, BODY, NOW_MS)

    assert signatures.client(headers, BODY, NOW_MS) is TILL


def test_two_clients_may_use_the_same_nonce() -> None:
    signatures = Signatures(CLIENTS)
    signatures.accepted(signed(TILL, BODY), TILL, NOW_MS)
    backend = CLIENTS["backend-1"]

    assert signatures.client(signed(backend, BODY), BODY, NOW_MS) is backend


_HEADERS = st.dictionaries(st.sampled_from(sorted(signed(TILL, BODY))), st.text(max_size=70))


@given(changes=_HEADERS, body=st.binary(max_size=50))
def test_any_headers_are_a_client_or_a_refusal(changes: dict[str, str], body: bytes) -> None:
    with contextlib.suppress(NotHeard):
        assert Signatures(CLIENTS).client(signed(TILL, BODY) | changes, body, NOW_MS) is TILL
        assert body == BODY


@pytest.mark.parametrize("name", sorted(signed(TILL, BODY)))
def test_a_refusal_repeats_nothing_of_what_was_sent(name: str) -> None:
    with pytest.raises(NotHeard) as caught:
        Signatures(CLIENTS).client(signed(TILL, BODY) | {name: "oSecretly~"}, BODY, NOW_MS)

    assert "oSecretly" not in caught.value.message
