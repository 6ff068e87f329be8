# SPDX-License-Identifier: Apache-2.0
"""Parsing and decryption of notifications."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from stream.wechat.pay.decryption import Notification, decrypt_notification
from tests.support.cases import each
from tests.wechat.pay.sealed import API_V3_KEY, PREVIOUS_API_V3_KEY, as_json, seal
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


def opened(document: object, *keys: bytes) -> Notification:
    return decrypt_notification(as_json(document), keys or (API_V3_KEY,))


def rejected(document: object, *keys: bytes) -> tuple[RejectReason, str]:
    with pytest.raises(DeliveryRejected) as caught:
        opened(document, *keys)
    return caught.value.reason, caught.value.message


def test_an_envelope_is_opened() -> None:
    assert opened(envelope()) == Notification(
        "TRANSACTION.SUCCESS", "transaction", CREATED, {"mchid": "1900000001"}
    )


def test_blanks_around_its_words_are_nothing() -> None:
    document = {f" {key}": value for key, value in envelope(original_type="refund ").items()}
    document[" event_type"] = " REFUND.SUCCESS "
    notification = opened(document)
    assert (notification.event_type, notification.original_type) == ("REFUND.SUCCESS", "refund")


def test_the_original_type_may_be_absent() -> None:
    assert opened(envelope(original_type=...)).original_type == ""


@pytest.mark.parametrize("absent", [..., "", None])
def test_associated_data_may_be_absent(absent: Any) -> None:
    sealed = seal(PLAIN, API_V3_KEY, "") | {"associated_data": absent}
    assert opened(envelope(**sealed)).data == {"mchid": "1900000001"}


def test_the_previous_key_is_accepted_while_it_is_held() -> None:
    document = envelope(key=PREVIOUS_API_V3_KEY)
    assert opened(document, API_V3_KEY, PREVIOUS_API_V3_KEY).data
    reason, message = rejected(document, API_V3_KEY)
    assert reason is RejectReason.UNDECRYPTABLE
    assert "APIv3 key" in message


def test_the_vector_of_wechats_own_tests() -> None:
    """github.com/wechatpay-apiv3/wechatpay-go, utils/aes_test.go (Apache-2.0), by its short key."""
    sealed = base64.b64decode("FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC")
    plain = AESGCM(b"testAPIv3Key0000").decrypt(
        b"wCq51qZv4Yfg", sealed, b"Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8"
    )
    assert plain == b"Hello World"
    # The same parts, in an envelope: only the key which the notification was made with opens it.
    list_of: dict[str, Any] = {
        "nonce": "wCq51qZv4Yfg",
        "associated_data": "Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8",
        "ciphertext": "FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC",
    }
    assert rejected(envelope(**list_of))[0] is RejectReason.UNDECRYPTABLE
    reason, message = rejected(envelope(**list_of), b"testAPIv3Key0000")
    assert (reason, message) == (
        RejectReason.MALFORMED,
        "The decrypted resource is not JSON in UTF-8.",
    )


@pytest.mark.parametrize(
    ("reason", "changes"),
    each(
        (RejectReason.UNDECRYPTABLE, {"algorithm": ...}, {"algorithm": "AEAD_SM4_GCM"}),
        (RejectReason.UNDECRYPTABLE, {"algorithm": 5}, {"nonce": "short"}, {"nonce": "通" * 12}),
        (RejectReason.UNDECRYPTABLE, {"nonce": "other nonce."}, {"associated_data": "other"}),
        (RejectReason.UNDECRYPTABLE, {"associated_data": ""}, {"ciphertext": ""}),
        (RejectReason.UNDECRYPTABLE, {"ciphertext": "AAAA"}, {"ciphertext": "通知"}),
        (RejectReason.UNDECRYPTABLE, {"ciphertext": "A"}),
        (RejectReason.UNDECRYPTABLE, {"ciphertext": base64.b64encode(b"x" * 999).decode()}),
        (RejectReason.MALFORMED, {"nonce": ...}, {"nonce": 5}, {"ciphertext": None}),
        (RejectReason.MALFORMED, {"ciphertext": []}, {"associated_data": {}}, {"original_type": 5}),
    ),
)
def test_a_resource_that_cannot_be_read_is_rejected(
    changes: dict[str, Any], reason: RejectReason
) -> None:
    assert rejected(envelope(**changes))[0] is reason


@pytest.mark.parametrize("resource", [None, [], "text", 5])
def test_a_resource_is_an_object(resource: object) -> None:
    reason, message = rejected({**envelope(), "resource": resource})
    assert (reason, message) == (RejectReason.MALFORMED, "$.resource must be a JSON object.")


@pytest.mark.parametrize("name", ["event_type", "create_time"])
def test_an_envelope_says_what_it_is_about(name: str) -> None:
    without = {key: value for key, value in envelope().items() if key != name}
    for document in (without, {**without, name: 5}):
        assert rejected(document) == (RejectReason.MALFORMED, f"$.{name} must be a string.")


def test_what_was_encrypted_must_be_an_object_of_json() -> None:
    for plain in (b"", b"[]", b"Hello World", b'{"a": 1, "a": 2}', b"\xff"):
        reason, message = rejected(envelope(plain))
        assert reason is RejectReason.MALFORMED
        assert message.startswith("The decrypted resource ")
