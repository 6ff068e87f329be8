"""Why Kafka cannot be used, in a sentence: aiokafka tells its log, and says `unable to bootstrap`.

No sentence holds a user's name or a password.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
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

from stream.access import PREFIX
from stream.runtime.security import kafka_options
from stream.settings import Settings

_TIMEOUT_MS: Final = 5_000
_DENIED: Final = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)
_NOT_LET_IN: Final = (AuthenticationFailedError, SaslAuthenticationFailed)
_OTHER_SASL: Final = (IllegalSaslStateError, UnsupportedSaslMechanismError)


class TopicsUnfit(Exception):
    """Kafka or its topics are not as they must be; ``problems`` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@asynccontextmanager
async def explained(settings: Settings, *also: type[Exception]) -> AsyncIterator[None]:
    """Around what asks something of Kafka: a ``KafkaError`` becomes :class:`TopicsUnfit`.

    ``also``: what else Kafka's clients raise there, if nothing else in there does.
    """
    try:
        yield
    except (KafkaError, *also) as error:
        raise TopicsUnfit([await why_unusable(settings, error)]) from None


async def why_unusable(settings: Settings, error: Exception) -> str:
    """What an operator can do about ``error``, found by one more connection where it is vague."""
    found = error
    if not isinstance(error, _DENIED):
        found = await _at_the_door(settings) or error
    return f"Kafka at {settings.kafka_bootstrap_servers} {_sentence(found)}"


async def _at_the_door(settings: Settings) -> Exception | None:
    """How the first broker which can be reached refuses a connection; None if none does."""
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
