"""Asking a process of ours on this machine how it is."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from typing import Any

import orjson

_TIMEOUT_S = 3.0


def ask(port: int) -> str | None:
    """Why the process whose web server has this port is not ready; ``None`` if it is."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/health/ready")
        answer: Any = orjson.loads(connection.getresponse().read())
        problems = ", ".join(answer["problems"])
    except (OSError, HTTPException, orjson.JSONDecodeError, KeyError, TypeError):
        return f"Nothing answers on port {port}."
    finally:
        connection.close()
    return f"Not ready: {problems}." if problems else None
