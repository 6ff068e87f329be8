# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time
from base64 import b64decode, b64encode

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from stream.webhooks.signing import signed_headers

OLD, NEW = b"o" * 24, b"n" * 64
BODY = '{"id":"e-1","data":{"text":"现在注册"}}'


def verify(secret: bytes, headers: dict[str, str], body: str = BODY) -> object:
    """By the specification's own library."""
    return Webhook(f"whsec_{b64encode(secret).decode()}").verify(body, headers)


@pytest.mark.parametrize("secrets", [[OLD], [OLD, NEW], [NEW, OLD]])
def test_the_library_of_the_specification_verifies_each_secret(secrets: list[bytes]) -> None:
    headers = signed_headers(secrets, "e-1", int(time.time()), BODY.encode())
    for secret in secrets:
        assert verify(secret, headers) == {"id": "e-1", "data": {"text": "现在注册"}}


@pytest.mark.parametrize(
    ("changed", "body"),
    [
        ({"webhook-id": "e-2"}, BODY),
        ({"webhook-timestamp": str(int(time.time()) - 60)}, BODY),
        ({"webhook-timestamp": str(int(time.time()) - 3_600)}, BODY),
        ({}, BODY + " "),
        ({"webhook-signature": "v1,AAAA"}, BODY),
    ],
)
def test_what_was_changed_is_not_verified(changed: dict[str, str], body: str) -> None:
    headers = signed_headers([OLD], "e-1", int(time.time()), BODY.encode())
    with pytest.raises(WebhookVerificationError):
        verify(OLD, headers | changed, body)


def test_a_known_vector_of_the_specifications_libraries() -> None:
    secret = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    id_, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
    assert signed_headers([secret], id_, 1_614_265_330, body) == {
        "webhook-id": id_,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
