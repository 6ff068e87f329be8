# SPDX-License-Identifier: Apache-2.0
"""Settings of the connections to Kafka and Redis: servers, TLS, users and passwords.

A password stands in the environment or in a file, and in memory as a ``SecretStr`` only: the
repr of the settings, and whatever prints it, shows asterisks.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from stream.tables.stores import STORES, checked_address, listed, scheme_of, store_of

PREFIX: Final = "SHADOWPOINTS_"
DEFAULT_MECHANISM: Final = "SCRAM-SHA-512"

_SERVER = re.compile(r"[^\s:,/@]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


def _readable(path: Path | None) -> Path | None:
    if path is not None and not path.is_file():
        raise ValueError("there is no such file")
    return path


def _servers(servers: str) -> str:
    if not all(_SERVER.fullmatch(server.strip()) for server in servers.split(",")):
        raise ValueError("must be host:port, several with commas between")
    return servers


def _receiver(url: SecretStr | None) -> SecretStr | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url.get_secret_value())
        host, _ = parts.hostname, parts.port
    except ValueError:  # whose text repeats a part of it
        host = None
    if not host or (parts.scheme != "https" and (parts.scheme, host) not in _OF_THIS_MACHINE):
        raise ValueError("must be https://host/path; http:// only for 127.0.0.1 and localhost")
    if "@" in parts.netloc or parts.fragment:
        raise ValueError("takes no user, no password and no fragment: each request is signed")
    return url


_OF_THIS_MACHINE: Final = {("http", "localhost"), ("http", "127.0.0.1")}

File = Annotated[Path | None, BeforeValidator(_none_if_empty), AfterValidator(_readable)]
#: May come later, and is read whenever it is asked for.
ReportFile = Annotated[Path | None, BeforeValidator(_none_if_empty)]
_Text = Annotated[str | None, BeforeValidator(_none_if_empty)]
_Secret = Annotated[SecretStr | None, BeforeValidator(_none_if_empty)]
_HashKey = Annotated[
    Annotated[SecretStr, Field(min_length=16, max_length=64)] | None,
    BeforeValidator(_none_if_empty),
]
#: Masked, since its path may hold a token.
ReceiverUrl = Annotated[
    SecretStr | None, BeforeValidator(_none_if_empty), AfterValidator(_receiver)
]
_Mechanism = Annotated[
    Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] | None, BeforeValidator(_none_if_empty)
]


class ConnectionSettings(BaseSettings):
    """Where Kafka and Redis are, and how to log in."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    kafka_bootstrap_servers: Annotated[str, AfterValidator(_servers)] = Field(
        "localhost:9092", description="Kafka brokers to ask first: host:port, comma between."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL: the listener's."
    )
    kafka_sasl_mechanism: _Mechanism = Field(
        None, description=f"SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN; {DEFAULT_MECHANISM} if empty."
    )
    kafka_username: _Text = Field(None, description="User, for SASL.")
    kafka_password: _Secret = Field(None, description="Password; better in a file, see next.")
    kafka_password_file: File = Field(None, description="File with nothing but the password.")
    kafka_ca_file: File = Field(
        None, description="CA of the brokers (PEM); the system's if empty, for SSL."
    )
    kafka_cert_file: File = Field(None, description="Certificate of this client (PEM), for SSL.")
    kafka_key_file: File = Field(None, description="Its key (PEM, not encrypted).")
    redis_url: Annotated[str, AfterValidator(checked_address)] = Field(
        "redis://localhost:6379/0",
        description=f"{listed([store.description for store in STORES])}.",
    )
    redis_cluster: bool = Field(False, description="Whether redis_url is a Redis Cluster.")
    redis_durable: Literal["aof", "elsewhere"] = Field(
        "aof",
        description="aof: Redis must keep an append-only file; elsewhere: the service makes "
        "acknowledged writes durable by other means.",
    )
    redis_username: _Text = Field(None, description="User of Redis.")
    redis_password: _Secret = Field(None, description="Password; better in a file, see next.")
    redis_password_file: File = Field(None, description="File with nothing but the password.")
    redis_ca_file: File = Field(
        None, description="CA of Redis (PEM), in addition to the system's, for rediss://."
    )
    hash_key: _HashKey = Field(
        None, description="Key of the hashes by which erased people are recognised; chosen once."
    )
    hash_key_file: File = Field(None, description="File with nothing but that key.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use only what ``load_settings`` was given; pydantic would also read the environment."""
        return (init_settings,)

    @property
    def kafka_uses_tls(self) -> bool:
        return self.kafka_security_protocol.endswith("SSL")

    @property
    def kafka_uses_sasl(self) -> bool:
        return self.kafka_security_protocol.startswith("SASL")

    @property
    def redis_uses_tls(self) -> bool:
        return self.redis_url.startswith("rediss:")

    @model_validator(mode="before")
    @classmethod
    def _take_user_out_of_url(cls, given: Any) -> Any:
        """Move user and password from ``redis_url`` to where they are masked."""
        url = given.get("redis_url") if isinstance(given, dict) else None
        try:
            parts = urlsplit(checked_address(url)) if isinstance(url, str) else None
        except ValueError:
            return given  # the field's own validator says what is wrong
        if parts is None or "@" not in parts.netloc:
            return given
        own = ("redis_username", "redis_password", "redis_password_file")
        if any(given.get(name) for name in own):
            raise ValueError(
                f"{PREFIX}REDIS_URL names a user or a password, and so do other settings: say "
                "it once"
            )
        server = parts.netloc.rpartition("@")[2]
        return given | {
            "redis_url": parts._replace(netloc=server).geturl(),
            "redis_username": unquote(parts.username or ""),
            "redis_password": unquote(parts.password or ""),
        }

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if problems := [*_kafka_problems(self), *_redis_problems(self)]:
            raise ValueError("\n".join(problems))  # a line for each
        return self


def _kafka_problems(s: ConnectionSettings) -> list[str]:
    protocol = f"{PREFIX}KAFKA_SECURITY_PROTOCOL is {s.kafka_security_protocol}"
    problems = []
    sasl = _given(s, "kafka_sasl_mechanism", "kafka_username", *_KAFKA_PASSWORD)
    tls = _given(s, "kafka_ca_file", "kafka_cert_file", "kafka_key_file")
    if sasl and not s.kafka_uses_sasl:
        problems.append(f"{protocol}, which takes no {_and(sasl)}: set SASL_SSL, or leave them out")
    if tls and not s.kafka_uses_tls:
        problems.append(f"{protocol}, which takes no {_and(tls)}: set SSL or SASL_SSL")
    if s.kafka_uses_sasl and not s.kafka_username:
        problems.append(f"{protocol}, which needs {PREFIX}KAFKA_USERNAME")
    if s.kafka_uses_sasl and not _given(s, *_KAFKA_PASSWORD):
        problems.append(f"{protocol}, which needs {_names('or', *_KAFKA_PASSWORD)}")
    if len(both := _given(s, *_KAFKA_PASSWORD)) > 1:
        problems.append(f"Set {_names('or', *both)}, not both")
    if len(one := _given(s, "kafka_cert_file", "kafka_key_file")) == 1:
        other = {"kafka_cert_file", "kafka_key_file"} - set(one)
        problems.append(f"{_and(one)} needs {_names('and', *other)}, too")
    return problems


def _redis_problems(s: ConnectionSettings) -> list[str]:
    problems = []
    user = _given(s, "redis_username", *_REDIS_PASSWORD)
    if s.redis_cluster and s.redis_url.startswith("unix:"):
        problems.append(
            f"{PREFIX}REDIS_CLUSTER is true, and {PREFIX}REDIS_URL is a socket of this machine: "
            "name a node by host and port"
        )
    elif s.redis_cluster and urlsplit(s.redis_url).path.strip("/0"):
        problems.append(
            f"{PREFIX}REDIS_CLUSTER is true, and a cluster has database 0 alone: leave the number "
            f"out of {PREFIX}REDIS_URL"
        )
    if s.redis_ca_file and not s.redis_uses_tls:
        problems.append(f"{PREFIX}REDIS_CA_FILE needs a {PREFIX}REDIS_URL with rediss://")
    if user and not store_of(s.redis_url).login:
        scheme = scheme_of(s.redis_url)
        problems.append(f"{PREFIX}REDIS_URL is {scheme}://, which takes no {_and(user)}")
    if s.redis_username and not _given(s, *_REDIS_PASSWORD):
        problems.append(
            f"{PREFIX}REDIS_USERNAME needs {_names('or', *_REDIS_PASSWORD)}, or a password in "
            f"{PREFIX}REDIS_URL"
        )
    if len(both := _given(s, *_REDIS_PASSWORD)) > 1:
        problems.append(f"Set {_names('or', *both)}, not both")
    if len(both := _given(s, "hash_key", "hash_key_file")) > 1:
        problems.append(f"Set {_names('or', *both)}, not both")
    return problems


_KAFKA_PASSWORD: Final = ("kafka_password", "kafka_password_file")
_REDIS_PASSWORD: Final = ("redis_password", "redis_password_file")


def _given(settings: ConnectionSettings, *names: str) -> list[str]:
    return [name for name in names if getattr(settings, name) is not None]


def _and(names: list[str]) -> str:
    return _names("and", *names)


def _names(word: str, *names: str) -> str:
    return f" {word} ".join(PREFIX + name.upper() for name in names)
