# SPDX-License-Identifier: Apache-2.0
"""Send one webhook over HTTP. Every result is a `Reply`; only cancellation raises.

A URL may hold a token, so neither it nor the text of an error is ever logged.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from typing import Final, Self

from aiohttp import (
    ClientConnectorCertificateError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)

from stream.process.bounded_body import BodyTooLarge, open_session, read_bounded
from stream.webhooks.event_json import MEDIA_TYPE, Webhook
from stream.webhooks.retry_policy import Reply, read_retry_after
from stream.webhooks.signing import signed_headers

_BODY_BYTES_MAX: Final = 65_536  # of a reply; of a larger one the connection is closed


class Sender:
    """A context manager that holds the connections to the receiver.

    Redirects are not followed, and cookies not kept. ``tls`` verifies the certificate.
    """

    def __init__(
        self,
        url: str,
        secrets: Sequence[bytes],
        now_ms: Callable[[], int],
        *,
        timeout_s: float,
        at_once: int,
        tls: ssl.SSLContext,
    ) -> None:
        self._url, self._secrets, self._now_ms = url, secrets, now_ms
        self._timeout_s, self._at_once, self._tls = timeout_s, at_once, tls
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = open_session(
            connector=TCPConnector(limit=self._at_once, ssl=self._tls),
            timeout=ClientTimeout(total=self._timeout_s),
            cookie_jar=DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def send(self, webhook: Webhook) -> Reply:
        """One attempt. The signature has the time of this one."""
        assert self._session is not None
        timestamp_s = self._now_ms() // 1000
        headers = signed_headers(self._secrets, webhook.id, timestamp_s, webhook.body)
        headers |= {"content-type": MEDIA_TYPE, "user-agent": "shadowpoints"}
        try:
            async with self._session.post(
                self._url, data=webhook.body, headers=headers, allow_redirects=False
            ) as response:
                await _read_to_end(response)
                after = read_retry_after(response.headers.get("retry-after"), self._now_ms())
                return Reply(response.status, retry_after_ms=after)
        except ClientConnectorCertificateError:
            return Reply(None, "its certificate cannot be verified")
        except TimeoutError:
            return Reply(None, f"no reply within {self._timeout_s:g} s")
        except (ClientError, OSError) as error:
            return Reply(None, f"no reply: {type(error).__name__}")


async def _read_to_end(response: ClientResponse) -> None:
    """Read the body, so that the connection can be used again; the status counts in any case."""
    try:
        await read_bounded(response, _BODY_BYTES_MAX)
    except (BodyTooLarge, ClientError, OSError, TimeoutError):
        response.close()
