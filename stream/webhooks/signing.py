# SPDX-License-Identifier: Apache-2.0
"""Sign requests as https://www.standardwebhooks.com has it: HMAC-SHA256, version ``v1``.

Several secrets sign each request, so that a receiver can change from one to the next.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence
from typing import Final

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"


def signed_headers(
    secrets: Sequence[bytes], id_: str, timestamp_s: int, body: bytes
) -> dict[str, str]:
    """The three headers of a request. ``timestamp_s`` is when it is sent, not the event's time."""
    content = f"{id_}.{timestamp_s}.".encode() + body
    signatures = [b64encode(hmac.digest(secret, content, "sha256")).decode() for secret in secrets]
    return {
        ID: id_,
        TIMESTAMP: str(timestamp_s),
        SIGNATURE: " ".join(f"v1,{signature}" for signature in signatures),
    }
