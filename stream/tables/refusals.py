# SPDX-License-Identifier: Apache-2.0
"""Explain in sentences why Redis refuses a command, and what to do.

A reply can quote the command with its keys and values, so only the command's name is passed on.
"""

from __future__ import annotations

import re
import ssl
from typing import Final

from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    RedisError,
    ResponseError,
)

#: By the code of the reply: refusals of every commit that last until an operator acts.
STUCK: Final = {
    "OutOfMemoryError": (
        "Redis has reached its maxmemory and refuses every commit; nothing is lost and nothing "
        "moves: raise maxmemory or give it a larger machine"
    ),
    "ReadOnlyError": (
        "Redis is a replica and refuses every commit (READONLY): SHADOWPOINTS_REDIS_URL must lead "
        "to the primary"
    ),
    "MISCONF": (
        "Redis cannot write to its disk and refuses every commit (MISCONF): its own log says why; "
        "give it room"
    ),
    "NOREPLICAS": (
        "Redis has fewer replicas than its min-replicas-to-write wants and refuses every commit "
        "(NOREPLICAS): bring them back, or lower it"
    ),
}

_SCRIPTS_CALL: Final = "HMGET, HSET, HINCRBY, LLEN, LTRIM, RPUSH, MSET, SET, UNLINK, ZADD or ZREM"
_UNKNOWN: Final = re.compile(r"unknown (?:sub)?command '([A-Za-z|]{1,32})'", re.IGNORECASE)
_FORBIDDEN: Final = re.compile(r"run the '([A-Za-z|]{1,32})' (?:sub)?command", re.IGNORECASE)


def error_code(error: Exception) -> str:
    """The harmless part of an error: its class, or the first word of Redis's reply."""
    if type(error) is ResponseError:
        word = str(error).partition(" ")[0]
        return word if word.isalpha() and word.isupper() else "ERR"
    return type(error).__name__


def why_waiting(error: Exception) -> str:
    """For a temporary error: what holds Redis up."""
    return STUCK.get(error_code(error)) or f"Redis does not serve ({error_code(error)})"


def why_refused(error: RedisError) -> str:
    """For a permanent error: what to change."""
    text = str(error)
    if unverified(error):
        return (
            "The certificate of Redis cannot be verified: the CA which signed it must be known "
            "here (SHADOWPOINTS_REDIS_CA_FILE), and the host name must be one which it names"
        )
    if isinstance(error, AuthenticationError) or text.startswith("WRONGPASS"):
        return (
            "Redis does not let this user in: check SHADOWPOINTS_REDIS_USERNAME, and "
            "SHADOWPOINTS_REDIS_PASSWORD or its file"
        )
    if "DB index is out of range" in text:
        return (
            "Redis has no database of this number: check the number at the end of "
            "SHADOWPOINTS_REDIS_URL against its setting `databases`"
        )
    if found := _FORBIDDEN.search(text):
        return (
            f"Redis does not allow this user the command {_name(found)}: give it the rights which "
            "docs/security.md lists"
        )
    if isinstance(error, NoPermissionError):
        return (
            "Redis does not allow this user a command or a key: give it the rights which "
            "docs/security.md lists, with SHADOWPOINTS_NAMESPACE in the key patterns"
        )
    if found := _UNKNOWN.search(text):
        return (
            f"Redis does not know the command {_name(found)}: it is renamed or switched off there, "
            "and cannot be done without; docs/security.md lists all which are needed"
        )
    if "command called from script" in text:
        return (
            f"Redis does not know a command which our scripts call ({_SCRIPTS_CALL}): it is "
            "renamed or switched off there, and cannot be done without"
        )
    return (
        f"Redis refused a command ({error_code(error)}): check that it is a Redis or Valkey of "
        "version 7.0 or later, and that nothing else writes under SHADOWPOINTS_NAMESPACE"
    )


def unverified(error: BaseException | None) -> bool:
    """Whether it comes from a certificate that cannot be verified.

    The client wraps that in a ``ConnectionError`` and keeps it as the context only.
    """
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _name(found: re.Match[str]) -> str:
    return found[1].upper().replace("|", " ")
