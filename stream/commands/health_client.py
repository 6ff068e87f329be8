# SPDX-License-Identifier: Apache-2.0
"""Ask a Shadowpoints process on this machine whether it is ready."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from typing import Any

import orjson

from stream.config.connections import PREFIX

_TIMEOUT_S = 3.0
#: Where a process answers that listens on every address.
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def ask(port: int, host: str = "127.0.0.1") -> str | None:
    """Why the process that serves its health there is not ready; ``None`` if it is."""
    host = _LOOPBACK.get(host, host)
    connection = HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/health/ready")
        answer: Any = orjson.loads(connection.getresponse().read())
        problems = "; ".join(answer["problems"])
    except (OSError, HTTPException, orjson.JSONDecodeError, KeyError, TypeError):
        return (
            f"No Shadowpoints process answers on {host}:{port}: check that it runs, and that "
            f"{PREFIX}WEB_HOST and _PORT are the same for it as for this command."
        )
    finally:
        connection.close()
    return f"Not ready: {problems}." if problems else None
