# SPDX-License-Identifier: Apache-2.0
"""A WeChat Pay merchant: the keys and settings needed to read its notifications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from stream.wechat.pay.keys import serial_name

API_V3_KEY_BYTES = 32  # AES-256; a shorter one would silently be weaker


def check_api_v3_key(key: bytes) -> None:
    """Raises ``ValueError`` if it is no APIv3 key; the message does not show it."""
    if len(key) != API_V3_KEY_BYTES:
        raise ValueError(
            f"the APIv3 key must have exactly {API_V3_KEY_BYTES} bytes, and has {len(key)}"
        )


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant number with its keys, and the apps that its payloads do not name.

    ``api_v3_keys``: the current one and, during a change, the previous one. ``keys``:
    by serial, in any spelling. ``card_appids``: the app of each member card (``card_id``), since
    ``MEMBERCARD`` notifications name none; likewise ``mall_appid`` for ``MALL_AUTH`` and
    ``coupon_appid`` for ``COUPON.SEND`` (the ``notify_appid`` of the batch). ``mall_consent_text``:
    the version of the text to which a shopper agrees with the authorisation of a mall, if she does.

    Raises ``ValueError`` for an invalid key or serial.
    """

    mchid: str
    api_v3_keys: tuple[bytes, ...] = field(repr=False)
    keys: Mapping[str, RSAPublicKey] = field(repr=False)
    card_appids: Mapping[str, str] = field(default_factory=dict)
    mall_appid: str | None = None
    coupon_appid: str | None = None
    mall_consent_text: str | None = None

    def __post_init__(self) -> None:
        if not self.api_v3_keys:
            raise ValueError("a merchant needs an APIv3 key")
        for secret in self.api_v3_keys:
            check_api_v3_key(secret)
        named = {serial_name(serial): key for serial, key in self.keys.items()}
        if None in named:
            raise ValueError("a serial must be hexadecimal, or PUB_KEY_ID_ with its id")
        object.__setattr__(self, "keys", MappingProxyType(named))

    def key(self, serial: str) -> RSAPublicKey | None:
        """The key that a ``Wechatpay-Serial`` names, ``None`` if it is unknown."""
        name = serial_name(serial)
        return None if name is None else self.keys.get(name)
