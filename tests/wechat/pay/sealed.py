# SPDX-License-Identifier: Apache-2.0
"""Notifications as WeChat Pay makes them: encrypted for a merchant, signed by WeChat.

The keys are made here and thrown away with the process. `Platform` plays WeChat Pay: one key which
is known by a certificate and one which is known by the id of a public key.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from stream.wechat.pay.keys import load_key
from stream.wechat.pay.merchant import Merchant
from tests.wechat.pay.shapes import ACCOUNT, CARD_ID, CREATED, MCHID, MINI_PROGRAM, Shape

API_V3_KEY = b"0123456789abcdef0123456789abcdef"
PREVIOUS_API_V3_KEY = b"fedcba9876543210fedcba9876543210"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000000012026010100000000000001"
SERIAL = 0x7A1B2C3D4E5F60718293A4B5C6D7E8F901234567
CERTIFICATE_SERIAL = f"{SERIAL:X}"
NOW_S = 1_772_323_200  # 2026-03-01 08:00 in Beijing

__all__ = ["MCHID", "Delivery", "Platform", "merchant"]  # and what a test needs to go wrong

KeyKind = Literal["certificate", "public_key"]


@cache
def private_key(name: str = "") -> rsa.RSAPrivateKey:
    """A throw-away key, one for each name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certificate_pem(name: str = "certificate", serial: int = SERIAL) -> bytes:
    """A self-signed certificate of the key of that name."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example sign")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder(subject, subject, private_key(name).public_key(), serial)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1825))
    )
    return builder.sign(private_key(name), SHA256()).public_bytes(Encoding.PEM)


@cache
def public_key_pem(name: str = "public_key") -> bytes:
    return (
        private_key(name).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )


def merchant(**changes: Any) -> Merchant:
    """A merchant who knows both kinds of key and all her apps."""
    settings: dict[str, Any] = {
        "mchid": MCHID,
        "api_v3_keys": (API_V3_KEY,),
        "keys": {
            CERTIFICATE_SERIAL: load_key(CERTIFICATE_SERIAL, certificate_pem()),
            PUBLIC_KEY_ID: load_key(PUBLIC_KEY_ID, public_key_pem()),
        },
        "card_appids": {CARD_ID: ACCOUNT},
        "mall_appid": MINI_PROGRAM,
        "coupon_appid": ACCOUNT,
        "mall_consent_text": "mall-2026-01",
    }
    return Merchant(**(settings | changes))


@dataclass(frozen=True)
class Delivery:
    """One HTTP request of WeChat's; header names in lower case."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Platform:
    """Makes deliveries. Everything may be set otherwise, to make bad ones."""

    api_v3_key: bytes = field(default=API_V3_KEY, repr=False)
    key_kind: KeyKind = "certificate"
    now_s: int = NOW_S

    def deliver(
        self,
        resource: object,
        *,
        event_type: str = "TRANSACTION.SUCCESS",
        original_type: str = "transaction",
        create_time: str = CREATED,
        notice_id: str = "6c1f0a52-3c0e-5f0e-9a55-0000000000aa",
        associated_data: str = "transaction",
    ) -> Delivery:
        """``resource`` (an object, or raw bytes as they are) encrypted, enveloped and signed."""
        plain = resource if isinstance(resource, bytes) else as_json(resource)
        sealed = seal(plain, self.api_v3_key, associated_data)
        envelope = {
            "id": notice_id,
            "create_time": create_time,
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": "通知",
            "resource": {"original_type": original_type, **sealed},
        }
        return self.sign(as_json(envelope))

    def send(self, shape: Shape, data: object = None, **envelope: str) -> Delivery:
        """A shape as its own envelope names it; ``data`` instead of its payload."""
        named = {"event_type": shape.event_type, "original_type": shape.original_type}
        return self.deliver(shape.data if data is None else data, **(named | envelope))

    def sign(self, body: bytes, **headers: str) -> Delivery:
        """Any body, signed as it is; ``headers`` override, with ``_`` for ``-``."""
        nonce = "3d1f0a523c0e5f0e9a550000000000aa"
        message = b"%d\n%s\n%s\n" % (self.now_s, nonce.encode(), body)
        signature = private_key(self.key_kind).sign(message, padding.PKCS1v15(), SHA256())
        named = PUBLIC_KEY_ID if self.key_kind == "public_key" else CERTIFICATE_SERIAL
        made = {
            "content-type": "application/json",
            "request-id": "08F78BB5AF0610D302189F99DD5C20BA56F89845-0",
            "wechatpay-nonce": nonce,
            "wechatpay-serial": named,
            "wechatpay-signature": base64.b64encode(signature).decode(),
            "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
            "wechatpay-timestamp": str(self.now_s),
        }
        return Delivery(made | {k.replace("_", "-"): v for k, v in headers.items()}, body)


def seal(plain: bytes, key: bytes = API_V3_KEY, associated_data: str = "") -> dict[str, str]:
    """The parts of ``resource`` which AEAD_AES_256_GCM makes."""
    nonce = "aB3dE5gH7jK9"
    sealed = AESGCM(key).encrypt(nonce.encode(), plain, associated_data.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": associated_data,
        "nonce": nonce,
    }


def as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
