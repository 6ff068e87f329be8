"""Envelopes, opened."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stream.wechat.heard import NotHeard, Refusal
from stream.wechat.pay.envelope import Notice, open_envelope
from tests.wechat.pay.sealed import (
    API_V3_KEY,
    PREVIOUS_API_V3_KEY,
    as_json,
    seal,
)
from tests.wechat.pay.shapes import CREATED

PLAIN = as_json({"mchid": "1900000001"})


def envelope(plain: bytes = PLAIN, key: bytes = API_V3_KEY, **resource: Any) -> dict[str, Any]:
    sealed = {"original_type": "transaction", **seal(plain, key, "transaction"), **resource}
    return {
        "id": "1",
        "create_time": CREATED,
        "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
        "resource": {name: value for name, value in sealed.items() if value is not ...},
    }


def opened(document: object, *keys: bytes) -> Notice:
    return open_envelope(as_json(document), keys or (API_V3_KEY,))


def refused(document: object, *keys: bytes) -> tuple[Refusal, str]:
    with pytest.raises(NotHeard) as caught:
        opened(document, *keys)
    return caught.value.reason, caught.value.message


def test_an_envelope_is_opened() -> None:
    assert opened(envelope()) == Notice(
        "TRANSACTION.SUCCESS", "transaction", CREATED, {"mchid": "1900000001"}
    )


def test_blanks_around_its_words_are_nothing() -> None:
    document = {f" {key}": value for key, value in envelope(original_type="refund ").items()}
    document[" event_type"] = " REFUND.SUCCESS "
    notice = opened(document)
    assert (notice.event_type, notice.original_type) == ("REFUND.SUCCESS", "refund")


def test_the_original_type_may_be_absent() -> None:
    assert opened(envelope(original_type=...)).original_type == ""


@pytest.mark.parametrize("absent", [..., "", None])
def test_associated_data_may_be_absent(absent: Any) -> None:
    sealed = seal(PLAIN, API_V3_KEY, "") | {"associated_data": absent}
    assert opened(envelope(**sealed)).data == {"mchid": "1900000001"}


def test_the_previous_key_is_accepted_while_it_is_held() -> None:
    document = envelope(key=PREVIOUS_API_V3_KEY)
    assert opened(document, API_V3_KEY, PREVIOUS_API_V3_KEY).data
    reason, message = refused(document, API_V3_KEY)
    assert reason is Refusal.UNDECRYPTABLE
    assert "APIv3 key" in message


def test_the_vector_of_wechats_own_tests() -> None:
    """github.com/wechatpay-apiv3/wechatpay-go, utils/aes_test.go (Apache-2.0), by its short key."""
    sealed = base64.b64decode("FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC")
    plain = AESGCM(b"testAPIv3Key0000").decrypt(
        b"wCq51qZv4Yfg", sealed, b"Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8"
    )
    assert plain == b"Hello World"
    # The same parts, in an envelope: only the key which the notification was made with opens it.
    parts: dict[str, Any] = {
        "nonce": "wCq51qZv4Yfg",
        "associated_data": "Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8",
        "ciphertext": "FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC",
    }
    assert refused(envelope(**parts))[0] is Refusal.UNDECRYPTABLE
    reason, message = refused(envelope(**parts), b"testAPIv3Key0000")
    assert (reason, message) == (
        Refusal.MALFORMED,
        "The decrypted resource is not JSON in UTF-8.",
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"algorithm": ...}, Refusal.UNDECRYPTABLE),
        ({"algorithm": "AEAD_SM4_GCM"}, Refusal.UNDECRYPTABLE),
        ({"algorithm": 5}, Refusal.UNDECRYPTABLE),
        ({"nonce": "short"}, Refusal.UNDECRYPTABLE),
        ({"nonce": "通" * 12}, Refusal.UNDECRYPTABLE),
        ({"nonce": "other nonce."}, Refusal.UNDECRYPTABLE),
        ({"associated_data": "other"}, Refusal.UNDECRYPTABLE),
        ({"associated_data": ""}, Refusal.UNDECRYPTABLE),
        ({"ciphertext": ""}, Refusal.UNDECRYPTABLE),
        ({"ciphertext": "AAAA"}, Refusal.UNDECRYPTABLE),
        ({"ciphertext": "通知"}, Refusal.UNDECRYPTABLE),
        ({"ciphertext": "A"}, Refusal.UNDECRYPTABLE),
        ({"ciphertext": base64.b64encode(b"x" * 999).decode()}, Refusal.UNDECRYPTABLE),
        ({"nonce": ...}, Refusal.MALFORMED),
        ({"nonce": 5}, Refusal.MALFORMED),
        ({"ciphertext": None}, Refusal.MALFORMED),
        ({"ciphertext": []}, Refusal.MALFORMED),
        ({"associated_data": {}}, Refusal.MALFORMED),
        ({"original_type": 5}, Refusal.MALFORMED),
    ],
)
def test_a_resource_which_cannot_be_read_is_refused(
    changes: dict[str, Any], reason: Refusal
) -> None:
    assert refused(envelope(**changes))[0] is reason


@pytest.mark.parametrize("resource", [None, [], "text", 5])
def test_a_resource_is_an_object(resource: object) -> None:
    reason, message = refused({**envelope(), "resource": resource})
    assert (reason, message) == (Refusal.MALFORMED, "$.resource must be a JSON object.")


@pytest.mark.parametrize("name", ["event_type", "create_time"])
def test_an_envelope_says_what_it_is_about(name: str) -> None:
    without = {key: value for key, value in envelope().items() if key != name}
    for document in (without, {**without, name: 5}):
        assert refused(document) == (Refusal.MALFORMED, f"$.{name} must be a string.")


def test_what_was_encrypted_must_be_an_object_of_json() -> None:
    for plain in (b"", b"[]", b"Hello World", b'{"a": 1, "a": 2}', b"\xff"):
        reason, message = refused(envelope(plain))
        assert reason is Refusal.MALFORMED
        assert message.startswith("The decrypted resource ")
