# SPDX-License-Identifier: Apache-2.0
"""Verifies WeChat Pay's signature over the raw bytes of a notification.

``timestamp\\nnonce\\nbody\\n`` is signed with RSA PKCS#1 v1.5 and SHA-256 by the key that
``Wechatpay-Serial`` names (WeChat Pay, 签名验证; 回调通知注意事项). WeChat probes receivers with
signatures that begin with ``WECHATPAY/SIGNTEST/``; they must fail, like any bad signature.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from stream.wechat.delivery_result import DeliveryRejected, RejectReason
from stream.wechat.pay.merchant import Merchant

#: The tolerance in either direction; WeChat signs each retry again.
SKEW_S = 300

#: The second is the name that products for brands use for the same algorithm.
SIGNATURE_TYPES = frozenset({"WECHATPAY2-SHA256-RSA2048", "WECHATPAY-BRAND-SHA256-RSA2048"})

#: What merchants with keys of 国密 get. Neither ``cryptography`` nor another library that is well
#: kept has SM2.
SM2_TYPE = "WECHATPAY2-SM2-WITH-SM3"

_PADDING, _HASH = PKCS1v15(), SHA256()
_timestamp = re.compile(r"[0-9]{1,12}").fullmatch


def check_signature(
    headers: Mapping[str, str], body: bytes, merchant: Merchant, now_s: int
) -> None:
    """Raises `DeliveryRejected` unless WeChat Pay signed this body within `SKEW_S` of ``now_s``.

    ``headers`` have lower-case names; ``now_s`` is seconds since the Unix epoch.
    """
    if headers.get("wechatpay-signature-type") == SM2_TYPE:
        raise DeliveryRejected(
            RejectReason.UNKNOWN_KEY,
            "Signatures by SM2 (国密) are not supported; let WeChat Pay sign with RSA: a platform "
            "certificate or a public key of RSA.",
        )
    key = merchant.key(headers.get("wechatpay-serial", ""))
    if key is None:
        raise DeliveryRejected(
            RejectReason.UNKNOWN_KEY,
            "Wechatpay-Serial names no key of this merchant; add WeChat Pay's new certificate or "
            "public key to the merchant's keys.",
        )
    timestamp = headers.get("wechatpay-timestamp", "")
    signature = _signature(headers)
    try:
        signed = f"{timestamp}\n{headers.get('wechatpay-nonce', '')}\n".encode("ascii")
        key.verify(signature, b"%b%b\n" % (signed, body), _PADDING, _HASH)
    except (InvalidSignature, UnicodeEncodeError):
        raise _bad("Wechatpay-Signature does not match the body as it was received") from None
    if not _timestamp(timestamp) or abs(now_s - int(timestamp)) >= SKEW_S:
        raise DeliveryRejected(
            RejectReason.STALE,
            f"Wechatpay-Timestamp is {SKEW_S} seconds or more from our clock; set the clock.",
        )


def _signature(headers: Mapping[str, str]) -> bytes:
    # Optional: WeChat Pay's own test vectors have no such header.
    if headers.get("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048") not in SIGNATURE_TYPES:
        raise _bad("Wechatpay-Signature-Type is not one that WeChat Pay is known to use")
    try:
        return base64.b64decode(headers.get("wechatpay-signature", ""), validate=True)
    except (binascii.Error, ValueError):
        raise _bad("Wechatpay-Signature is not Base64") from None


def _bad(what: str) -> DeliveryRejected:
    return DeliveryRejected(RejectReason.BAD_SIGNATURE, f"{what}; was it sent by WeChat Pay?")
