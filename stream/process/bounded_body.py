# SPDX-License-Identifier: Apache-2.0
"""Read HTTP responses of other servers within a limit of bytes."""

from __future__ import annotations

from typing import Any

from aiohttp import ClientResponse, ClientSession

_CHUNK_BYTES = 65_536


class BodyTooLarge(Exception):
    """A response is larger than allowed; the rest was not read."""


def open_session(**options: Any) -> ClientSession:
    """A session of aiohttp with these options; the caller closes it.

    Uncompressed, so that the limit of a body is one of memory, too.
    """
    return ClientSession(auto_decompress=False, headers={"Accept-Encoding": "identity"}, **options)


async def read_bounded(response: ClientResponse, bytes_max: int) -> bytes:
    """The body of a response; raises :class:`BodyTooLarge`."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > bytes_max:
            raise BodyTooLarge
    return bytes(body)
