# SPDX-License-Identifier: Apache-2.0
"""Keys of WeChat Pay: read from files, named by their serials."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from stream.wechat.pay.keys import PEM_BYTES_MAX, load_key, serial_name
from tests.wechat.pay.sealed import (
    CERTIFICATE_SERIAL,
    PUBLIC_KEY_ID,
    certificate_pem,
    private_key,
    public_key_pem,
)


def test_a_certificate_is_named_by_its_serial_in_any_spelling() -> None:
    spellings = (CERTIFICATE_SERIAL, CERTIFICATE_SERIAL.lower(), f"00{CERTIFICATE_SERIAL}")
    for spelling in spellings:
        key = load_key(spelling, certificate_pem())
        assert key.public_numbers() == private_key("certificate").public_key().public_numbers()


def test_a_public_key_is_named_by_its_id() -> None:
    key = load_key(PUBLIC_KEY_ID, public_key_pem())
    assert key.public_numbers() == private_key("public_key").public_key().public_numbers()


def test_names_have_one_spelling() -> None:
    assert serial_name("00ab") == serial_name(" AB ") == "AB"
    assert serial_name("00") == "0"
    assert serial_name(PUBLIC_KEY_ID) == PUBLIC_KEY_ID
    assert serial_name(PUBLIC_KEY_ID.lower()) is None
    for nothing in ("", "xyz", "PUB_KEY_ID_", "7132d7********", "A" * 65, "１２"):
        assert serial_name(nothing) is None


@given(st.text())
def test_any_text_is_a_name_or_none(text: str) -> None:
    name = serial_name(text)
    assert name is None or serial_name(name) == name


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("serial", "pem", "complaint"),
    [
        ("no serial", certificate_pem(), "in hexadecimal"),
        ("AB", certificate_pem(), "another serial"),
        (PUBLIC_KEY_ID, certificate_pem(), "the file is a certificate"),
        (CERTIFICATE_SERIAL, public_key_pem(), "the file is a public key"),
        (CERTIFICATE_SERIAL, b"", "neither"),
        (CERTIFICATE_SERIAL, b"-----BEGIN CERTIFICATE-----\nAAAA\n", "no readable certificate"),
        (PUBLIC_KEY_ID, b"-----BEGIN PUBLIC KEY-----\nAAAA\n", "neither"),
        (PUBLIC_KEY_ID, b"x" * (PEM_BYTES_MAX + 1), "bytes"),
        (PUBLIC_KEY_ID, _pem(ec.generate_private_key(ec.SECP256R1())), "RSA"),
        (PUBLIC_KEY_ID, _pem(rsa.generate_private_key(65537, 1024)), "2048 bits"),
        (
            PUBLIC_KEY_ID,
            private_key("certificate").private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "private key",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_file_is_rejected_with_a_reason(serial: str, pem: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        load_key(serial, pem)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_key_or_rejected(noise: bytes) -> None:
    for pem in (noise, certificate_pem()[:60] + noise, public_key_pem()[:60] + noise):
        with pytest.raises(ValueError, match="file"):
            load_key(CERTIFICATE_SERIAL, pem)


def test_a_key_of_sm2_is_named_as_such() -> None:
    pem = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAE7KGf2UUNOui2B7VYBwNRUjI4NYkQ
gcnbZcP4H8hzEigtH5MDtCTca/z6qKUSZa4AQD1aRr9Et+Z4CvjdJ5BiBg==
-----END PUBLIC KEY-----
"""
    with pytest.raises(ValueError, match="SM2"):
        load_key("PUB_KEY_ID_0119000000012026010100000000000001", pem)
