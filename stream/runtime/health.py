"""Asking the worker on this machine how it is."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from typing import Any

import orjson

_TIMEOUT_S = 3.0


def ask(port: int) -> str | None:
    """Why the worker whose web server has this port is not ready; ``None`` if it is."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/health/ready")
        answer: Any = orjson.loads(connection.getresponse().read())
        problems = ", ".join(answer["problems"])
    except (OSError, HTTPException, orjson.JSONDecodeError, KeyError, TypeError):
        return f"No worker answers on port {port}."
    finally:
        connection.close()
    return f"The worker is not ready: {problems}." if problems else None
