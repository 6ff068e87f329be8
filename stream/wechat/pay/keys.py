# SPDX-License-Identifier: Apache-2.0
"""Loads the keys that WeChat Pay signs with: platform certificates and public keys.

``Wechatpay-Serial`` names one of them: the serial number of a certificate in hexadecimal, or
``PUB_KEY_ID_…`` of a public key. While a merchant changes from one to the other WeChat signs with
both, so a merchant may have several (WeChat Pay v3, 平台证书切换公钥).
"""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

PUBLIC_KEY_PREFIX = "PUB_KEY_ID_"
KEY_BITS_MIN = 2048  # what WeChat Pay uses
PEM_BYTES_MAX = 65_536

_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{1,64}").fullmatch
_PUBLIC_KEY_ID = re.compile(PUBLIC_KEY_PREFIX + r"[A-Za-z0-9_-]{1,64}").fullmatch


def serial_name(serial: str) -> str | None:
    """The normal form of a serial, or None if it is none.

    Hexadecimal numbers get capitals and no leading zeros; tools differ in that. The id of a public
    key stays as it is.
    """
    serial = serial.strip()
    if _PUBLIC_KEY_ID(serial):
        return serial
    if _HEXADECIMAL(serial):
        return serial.upper().lstrip("0") or "0"
    return None


def load_key(serial: str, pem: bytes) -> RSAPublicKey:
    """The key that ``serial`` names, from its file.

    Raises ``ValueError`` with the problem, and nothing of the file's content.
    """
    name = serial_name(serial)
    if name is None:
        raise ValueError(
            f"the serial must be a certificate's in hexadecimal, or {PUBLIC_KEY_PREFIX} with its id"
        )
    if len(pem) > PEM_BYTES_MAX:
        raise ValueError(f"the file has more than {PEM_BYTES_MAX} bytes; it is no key")
    if b"PRIVATE KEY-----" in pem:
        raise ValueError("the file holds a private key; WeChat Pay's public one is needed here")
    if b"-----BEGIN CERTIFICATE-----" in pem:
        key = _of_certificate(name, pem)
    else:
        key = _of_public_key(name, pem)
    if not isinstance(key, RSAPublicKey) or key.key_size < KEY_BITS_MIN:
        raise ValueError(f"the key must be an RSA key of at least {KEY_BITS_MIN} bits")
    return key


def _of_certificate(name: str, pem: bytes) -> object:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key, number = certificate.public_key(), certificate.serial_number
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("the file is no readable certificate") from None
    if name.startswith(PUBLIC_KEY_PREFIX):
        raise ValueError("the serial names a public key, but the file is a certificate")
    if name != f"{number:X}":
        raise ValueError(
            "the certificate has another serial; see: openssl x509 -noout -serial -in FILE"
        )
    return key


def _of_public_key(name: str, pem: bytes) -> object:
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(
            "the file is neither a certificate nor a public key in PEM, or one of SM2 (国密), "
            "which is not supported; take the one of RSA"
        ) from None
    if not name.startswith(PUBLIC_KEY_PREFIX):
        raise ValueError("the serial is a certificate's, but the file is a public key")
    return key
