# SPDX-License-Identifier: Apache-2.0
"""Explain why Kafka refuses a client, where aiokafka only says `unable to bootstrap`.

No sentence holds a user's name or a password.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from stream.config.client_security import kafka_options
from stream.config.connections import PREFIX
from stream.config.settings import Settings
from stream.kafka.clock_skew import ClockWrong
from stream.language.message import Phrase

_TIMEOUT_MS: Final = 5_000
_DENIED: Final = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)
_NOT_LET_IN: Final = (AuthenticationFailedError, SaslAuthenticationFailed)
_OTHER_SASL: Final = (IllegalSaslStateError, UnsupportedSaslMechanismError)


class RulesRefused(Exception):
    """Rules cannot be used as they are; ``problems`` has a sentence for each reason."""

    def __init__(self, problems: Sequence[str | Phrase]) -> None:
        super().__init__(problems)
        self.problems = list(problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class TopicsUnfit(Exception):
    """Kafka or its topics are not as they must be; ``problems`` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@asynccontextmanager
async def explained(settings: Settings, *also: type[Exception]) -> AsyncIterator[None]:
    """Within it a ``KafkaError`` becomes :class:`TopicsUnfit`.

    ``also``: other errors that only Kafka's clients raise within it.
    """
    try:
        yield
    except (KafkaError, *also) as error:
        raise TopicsUnfit([await why_unusable(settings, error)]) from None


@asynccontextmanager
async def opening(settings: Settings, close: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Within it a client is opened; closes the client if anything fails.

    Raises :class:`TopicsUnfit` with a sentence if Kafka refuses.
    """
    async with explained(settings, OSError):
        try:
            yield
        except BaseException:
            await close()
            raise


async def why_unusable(settings: Settings, error: Exception) -> str:
    """What an operator can do about ``error``; if it is vague, one more connection is tried."""
    if isinstance(error, ClockWrong):
        return str(error)
    found = error
    if not isinstance(error, _DENIED):
        found = await _refusal(settings) or error
    return f"Kafka at {settings.kafka_bootstrap_servers} {_sentence(found)}"


async def _refusal(settings: Settings) -> Exception | None:
    """How the first reachable broker refuses a connection; None if it does not."""
    options = kafka_options(settings)
    for server in settings.kafka_bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            connection = await create_conn(
                host.strip("[]"), int(port), request_timeout_ms=_TIMEOUT_MS, **options
            )
        except (ssl.SSLError, *_NOT_LET_IN, *_OTHER_SASL) as error:
            return error
        except (KafkaError, OSError):
            continue
        connection.close()
        return None
    return None


def _sentence(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"shows a certificate which cannot be verified ({error.verify_message}): "
                f"{PREFIX}KAFKA_CA_FILE must be the CA which signed it, and the host name one "
                "which it names."
            )
        case ssl.SSLError():
            return (
                f"does not agree on TLS ({error.reason or 'no reason given'}): check that this is "
                f"the port of the listener for {PREFIX}KAFKA_SECURITY_PROTOCOL."
            )
        case _ if isinstance(error, _NOT_LET_IN):
            return (
                f"does not accept the user name and the password: check {PREFIX}KAFKA_USERNAME, "
                f"{PREFIX}KAFKA_PASSWORD or its file, and {PREFIX}KAFKA_SASL_MECHANISM."
            )
        case _ if isinstance(error, _OTHER_SASL):
            return (
                f"does not take this SASL mechanism here: check {PREFIX}KAFKA_SASL_MECHANISM and "
                f"{PREFIX}KAFKA_SECURITY_PROTOCOL."
            )
        case _ if isinstance(error, _DENIED):
            return (
                f"does not allow this user to do that ({type(error).__name__}): "
                "docs/security.md lists the rights which each command needs."
            )
    return (
        f"cannot be asked ({type(error).__name__}); check that it runs and can be reached, and "
        f"that {PREFIX}KAFKA_SECURITY_PROTOCOL is the listener's."
    )
