# SPDX-License-Identifier: Apache-2.0
"""Parses a notification's envelope and decrypts its resource.

``resource`` is encrypted with AES-256-GCM under the merchant's APIv3 key of 32 bytes: 12 bytes of
nonce, optional ``associated_data``, the tag of 16 bytes after the ciphertext (WeChat
Pay, 证书和回调报文解密).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from stream.wechat.strict_json import parse_document

ALGORITHM = "AEAD_AES_256_GCM"
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Notification:
    """A decrypted notification of WeChat Pay.

    ``original_type`` says what ``data`` is; unrelated notifications can share an ``event_type``.
    ``create_time`` is when WeChat created the notification, in WeChat's format.
    """

    event_type: str
    original_type: str
    create_time: str
    data: dict[str, Any]


def decrypt_notification(body: bytes, keys: tuple[bytes, ...]) -> Notification:
    """``keys``: the APIv3 keys to try. Raises `DeliveryRejected`, and nothing else."""
    envelope = parse_document(body, "The body")
    resource = envelope.get("resource")
    if type(resource) is not dict:
        raise DeliveryRejected(RejectReason.MALFORMED, "$.resource must be a JSON object.")
    if resource.get("algorithm") != ALGORITHM:
        raise DeliveryRejected(
            RejectReason.UNDECRYPTABLE, f"$.resource.algorithm must be {ALGORITHM}."
        )
    plain = _decrypt(resource, keys)
    return Notification(
        event_type=_text(envelope, "event_type", "$.event_type").strip(),
        # The examples of some pages (停车服务) leave it out.
        original_type=_text(resource, "original_type", "$.resource.original_type", "").strip(),
        create_time=_text(envelope, "create_time", "$.create_time").strip(),
        data=parse_document(plain, "The decrypted resource"),
    )


def _decrypt(resource: dict[str, Any], keys: tuple[bytes, ...]) -> bytes:
    nonce = _bytes(resource, "nonce")
    if len(nonce) != NONCE_BYTES:
        raise DeliveryRejected(
            RejectReason.UNDECRYPTABLE, f"$.resource.nonce must have {NONCE_BYTES} bytes."
        )
    extra = _bytes(resource, "associated_data", "")
    try:
        sealed = base64.b64decode(_bytes(resource, "ciphertext"), validate=True)
    except (binascii.Error, ValueError):
        raise DeliveryRejected(
            RejectReason.UNDECRYPTABLE, "$.resource.ciphertext is not Base64."
        ) from None
    for key in keys:
        try:
            return _cipher(key).decrypt(nonce, sealed, extra)
        except InvalidTag:
            continue
    raise DeliveryRejected(
        RejectReason.UNDECRYPTABLE,
        "$.resource cannot be decrypted; is the APIv3 key of this merchant the one in force?",
    )


@lru_cache(maxsize=256)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)  # expands the key


def _bytes(resource: dict[str, Any], name: str, default: str | None = None) -> bytes:
    # A lone surrogate cannot be encoded; no real notification has one.
    return _text(resource, name, f"$.resource.{name}", default).encode(errors="replace")


def _text(source: dict[str, Any], name: str, place: str, default: str | None = None) -> str:
    value = source.get(name)
    if value is None and default is not None:
        return default
    if type(value) is not str:
        raise DeliveryRejected(RejectReason.MALFORMED, f"{place} must be a string.")
    return value
