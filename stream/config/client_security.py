# SPDX-License-Identifier: Apache-2.0
"""Build TLS and authentication options for the Kafka and Redis clients from the settings."""

from __future__ import annotations

import ssl
from base64 import b64decode
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from faust.auth import Credentials, SASLCredentials, SSLCredentials
from pydantic import SecretStr

from stream.config.connections import DEFAULT_MECHANISM, PREFIX
from stream.config.settings import Settings, SettingsInvalid

WEBHOOK_SECRETS_MAX: Final = 4  # each signs every request
_WHSEC: Final = "whsec_"


def kafka_options(settings: Settings) -> dict[str, Any]:
    """Options of an aiokafka producer, consumer or admin client, without the servers.

    This and the other functions raise :class:`SettingsInvalid` for an unusable file.
    """
    options: dict[str, Any] = {"security_protocol": settings.kafka_security_protocol}
    if settings.kafka_uses_tls:
        options["ssl_context"] = _kafka_tls(settings)
    if settings.kafka_uses_sasl:
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism or DEFAULT_MECHANISM
        options["sasl_plain_username"] = settings.kafka_username
        options["sasl_plain_password"] = _kafka_password(settings)
    return options


def faust_credentials(settings: Settings) -> Credentials | None:
    """The same for Faust, whose own consumer and producer are aiokafka's, too."""
    context = _kafka_tls(settings) if settings.kafka_uses_tls else None
    if settings.kafka_uses_sasl:
        return SASLCredentials(
            username=settings.kafka_username,
            password=_kafka_password(settings),
            ssl_context=context,
            mechanism=settings.kafka_sasl_mechanism or DEFAULT_MECHANISM,
        )
    return None if context is None else SSLCredentials(context)


def redis_options(settings: Settings) -> dict[str, Any]:
    """Options of a redis-py client, beside the URL."""
    options: dict[str, Any] = {}
    given, file = settings.redis_password, settings.redis_password_file
    password = _secret("REDIS_PASSWORD", given, file)
    if settings.redis_username:
        options["username"] = settings.redis_username
    if password is not None:
        options["password"] = password
    if settings.redis_uses_tls:
        options["ssl_min_version"] = ssl.TLSVersion.TLSv1_2
        if settings.redis_ca_file is not None:
            _tls("redis", settings.redis_ca_file)  # fails now, not at each connection
            options["ssl_ca_certs"] = str(settings.redis_ca_file)
    return options


def hash_secret(settings: Settings) -> bytes:
    """The key of the hashes by which erased people are recognised; empty if there is none."""
    given, file = settings.hash_key, settings.hash_key_file
    key = (_secret("HASH_KEY", given, file) or "").encode()
    if key and not 16 <= len(key) <= blake2b.MAX_KEY_SIZE:
        raise SettingsInvalid([f"{PREFIX}HASH_KEY: must have 16 to 64 bytes."])
    return key


def webhook_tls(settings: Settings) -> ssl.SSLContext:
    """The context for the receiver of webhooks."""
    return _tls("webhook", settings.webhook_ca_file)


def webhook_secrets(settings: Settings) -> tuple[bytes, ...]:
    """The secrets in the file, one a line: ``whsec_`` and the Base64 of 24 to 64 bytes."""
    file = settings.webhook_secret_file
    try:
        lines = file.read_text("utf-8").split() if file else []
        secrets = tuple(_webhook_secret(line) for line in lines)
    except (OSError, ValueError):  # UnicodeDecodeError and binascii.Error among them
        secrets = ()
    if not 1 <= len(secrets) <= WEBHOOK_SECRETS_MAX:
        raise SettingsInvalid(
            [
                f"{PREFIX}WEBHOOK_SECRET_FILE: must be a readable file with 1 to "
                f"{WEBHOOK_SECRETS_MAX} lines, each whsec_ and the Base64 of 24 to 64 bytes."
            ]
        )
    return secrets


def _webhook_secret(line: str) -> bytes:
    secret = b64decode(line.removeprefix(_WHSEC), validate=True)
    if not line.startswith(_WHSEC) or not 24 <= len(secret) <= 64:
        raise ValueError
    return secret


def _kafka_tls(settings: Settings) -> ssl.SSLContext:
    context = _tls("kafka", settings.kafka_ca_file)
    if settings.kafka_cert_file is None:
        return context
    try:
        # With a password an encrypted key fails; without one OpenSSL would ask the terminal.
        context.load_cert_chain(settings.kafka_cert_file, settings.kafka_key_file, password="")
    except OSError:  # ssl.SSLError among them
        raise SettingsInvalid(
            [
                f"{PREFIX}KAFKA_CERT_FILE and {PREFIX}KAFKA_KEY_FILE: must be a certificate and "
                "its key, readable, in PEM form and not encrypted."
            ]
        ) from None
    return context


def _tls(service: str, ca_file: Path | None) -> ssl.SSLContext:
    """A context which verifies certificate and host name, by this CA alone if there is one."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError:
        raise SettingsInvalid(
            [f"{PREFIX}{service.upper()}_CA_FILE: must be readable certificates in PEM form."]
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _kafka_password(settings: Settings) -> str | None:
    given, file = settings.kafka_password, settings.kafka_password_file
    return _secret("KAFKA_PASSWORD", given, file)


def _secret(name: str, given: SecretStr | None, file: Path | None) -> str | None:
    if file is None:
        return None if given is None else given.get_secret_value()
    try:
        secret = file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        secret = ""
    if not secret or len(secret.splitlines()) > 1:
        what = name.rpartition("_")[2].lower()
        text = f"{PREFIX}{name}_FILE: must be a readable file with one line, the {what}."
        raise SettingsInvalid([text])
    return secret
