# SPDX-License-Identifier: Apache-2.0
"""What an endpoint is: a path, a handler, and the request and response that the handler sees.

A handler does the work of one path: it checks a delivery, publishes its events and answers.
`EndpointApp` does the rest for all of them: it reads the body within the limits, enforces the
timeout, turns rejections into statuses, counts and logs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

JSON: Final = "application/json"
TEXT: Final = "text/plain"
XML: Final = "text/xml"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One complete request.

    Names in ``headers`` are in lower case. Of a name given twice the last counts. ``ends_s`` is
    the deadline of the response, on the clock of the event loop. ``query_string`` is as it came.
    """

    method: str
    path_params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    now_ms: int
    ends_s: float = inf
    query_string: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """The response to an accepted delivery. ``kind`` is a word of a closed set, for metrics."""

    kind: str
    body: bytes = b""
    content_type: str = JSON
    status: int = 200


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path. ``handle`` raises `DeliveryRejected` for a bad delivery, and nothing else.

    ``name`` is for metrics and logs; ``path`` is Starlette's, like ``/wechat/pay/{mchid}``.
    ``challenge`` is the ``WWW-Authenticate`` header of a 401, for senders that can use it. Pages of
    any site may read the responses if ``any_origin`` (CORS). ``body_bytes_max`` may be less or more
    than the setting.
    """

    name: str
    path: str
    handle: Callable[[Delivery], Awaitable[Response]]
    methods: tuple[str, ...] = ("POST",)
    challenge: str | None = None
    any_origin: bool = False
    body_bytes_max: int | None = None
