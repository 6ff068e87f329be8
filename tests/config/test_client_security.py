# SPDX-License-Identifier: Apache-2.0
"""Settings as the clients take them, on the way through Faust and on our own."""

from __future__ import annotations

import logging
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from stream.config.client_security import (
    faust_credentials,
    hash_secret,
    kafka_options,
    redis_options,
    webhook_secrets,
    webhook_tls,
)
from stream.config.settings import PREFIX, Settings, SettingsInvalid, load_settings
from stream.process.logs import quiet_clients
from stream.worker.app import create_app, faust_settings
from tests.conftest import unavailable
from tests.services.process import ServiceUnavailable
from tests.services.secure import Authority

SECRET = "s3cret-of-the-user"
SASL = {"KAFKA_USERNAME": "worker", "KAFKA_PASSWORD": SECRET}
PROTOCOLS = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    try:
        return Authority(tmp_path_factory.mktemp("tls"))
    except ServiceUnavailable as reason:
        unavailable(str(reason))


@pytest.fixture
def restored_levels() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("aiokafka", "redis")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def settings(**variables: str) -> Settings:
    return load_settings({PREFIX + name: value for name, value in variables.items()})


def by_protocol(protocol: str, authority: Authority) -> Settings:
    more = SASL if protocol.startswith("SASL") else {}
    if protocol.endswith("SSL"):
        certificate, key = authority.certificate("client")
        files = {"CA": authority.ca, "CERT": certificate, "KEY": key}
        more = more | {f"KAFKA_{name}_FILE": str(path) for name, path in files.items()}
    return settings(KAFKA_SECURITY_PROTOCOL=protocol, REDIS_URL="memory://", **more)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_faust_hands_to_aiokafka_what_we_do(protocol: str, authority: Authority) -> None:
    found = by_protocol(protocol, authority)
    ours = kafka_options(found)

    app = create_app(found)
    fausts = dict(credentials_to_aiokafka_auth(app.conf.broker_credentials))

    assert app.producer.credentials is app.conf.broker_credentials  # type: ignore[attr-defined]
    contexts = [options.pop("ssl_context", None) for options in (ours, fausts)]
    assert ours == fausts
    assert ours["security_protocol"] == protocol
    for context in contexts:
        assert (context is not None) == protocol.endswith("SSL")
        if context is not None:
            assert context.verify_mode is ssl.CERT_REQUIRED
            assert context.check_hostname
            assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
            assert [ca["subject"] for ca in context.get_ca_certs()] == [
                ((("commonName", "test CA"),),)
            ]


@pytest.mark.parametrize("mechanism", ["", "SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
def test_the_mechanism_reaches_both(mechanism: str) -> None:
    plain = {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": mechanism}
    found = settings(**plain, **SASL)

    expected = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": mechanism or "SCRAM-SHA-512",
        "sasl_plain_username": "worker",
        "sasl_plain_password": SECRET,
    }
    assert kafka_options(found) == expected
    fausts = dict(credentials_to_aiokafka_auth(faust_credentials(found)))
    assert fausts == {**expected, "ssl_context": None}


def test_what_is_printed_of_credentials_has_no_secret() -> None:
    found = settings(KAFKA_SECURITY_PROTOCOL="SASL_SSL", **SASL)
    assert SECRET not in repr(faust_settings(found))
    assert SECRET not in repr(create_app(found).conf.broker_credentials)


def test_a_password_file_holds_one_line(tmp_path: Path) -> None:
    path = tmp_path / "password"
    found = settings(
        KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        KAFKA_USERNAME="worker",
        KAFKA_PASSWORD_FILE=_written(path, f"{SECRET}\n"),
        REDIS_USERNAME="worker",
        REDIS_PASSWORD_FILE=str(path),
    )
    assert kafka_options(found)["sasl_plain_password"] == SECRET
    assert redis_options(found) == {"username": "worker", "password": SECRET}

    for text in ("", "\n", f"user\n{SECRET}\n"):
        path.write_text(text, "utf-8")
        for service, options in (("KAFKA", kafka_options), ("REDIS", redis_options)):
            with pytest.raises(SettingsInvalid, match=f"{service}_PASSWORD_FILE") as caught:
                options(found)
            assert SECRET not in str(caught.value)


def test_the_key_of_the_hashes_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    assert hash_secret(settings()) == b""
    assert hash_secret(settings(HASH_KEY=SECRET)) == SECRET.encode()
    path = tmp_path / "key"
    found = settings(HASH_KEY_FILE=_written(path, f"{SECRET}\n"))
    assert hash_secret(found) == SECRET.encode()
    for text in ("", "too-short", "x" * 65):
        path.write_text(text, "utf-8")
        with pytest.raises(SettingsInvalid, match="HASH_KEY"):
            hash_secret(found)


def test_files_which_are_no_certificates_are_refused(tmp_path: Path, authority: Authority) -> None:
    no_ca = _written(tmp_path / "ca.pem", SECRET)
    certificate, key = authority.certificate("client")
    _, other_key = authority.certificate("other")
    locked = tmp_path / "locked.key"
    subprocess.run(
        ["openssl", "ec", "-in", key, "-aes256", "-passout", "pass:x", "-out", locked],
        check=True,
        capture_output=True,
    )
    tls = {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CERT_FILE": str(certificate)}

    with pytest.raises(SettingsInvalid, match="KAFKA_CA_FILE: must be readable"):
        kafka_options(settings(KAFKA_SECURITY_PROTOCOL="SSL", KAFKA_CA_FILE=no_ca))
    with pytest.raises(SettingsInvalid, match="REDIS_CA_FILE: must be readable"):
        redis_options(settings(REDIS_URL="rediss://redis:6380", REDIS_CA_FILE=no_ca))
    for wrong in (other_key, locked):
        with pytest.raises(SettingsInvalid, match="a certificate and its key"):
            kafka_options(settings(**tls, KAFKA_KEY_FILE=str(wrong)))


def test_redis_over_tls_asks_for_1_2_at_least() -> None:
    assert redis_options(settings(REDIS_URL="rediss://redis:6380")) == {
        "ssl_min_version": ssl.TLSVersion.TLSv1_2
    }


@pytest.mark.usefixtures("restored_levels")
@pytest.mark.parametrize(
    ("ours", "theirs"), [("DEBUG", logging.INFO), ("INFO", logging.INFO), ("ERROR", logging.ERROR)]
)
def test_clients_never_log_whole_requests(ours: str, theirs: int) -> None:
    quiet_clients(ours)
    for name in ("aiokafka.conn", "aiokafka.consumer.fetcher", "redis.connection"):
        assert logging.getLogger(name).getEffectiveLevel() == theirs


def _written(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    return str(path)


def test_each_line_of_the_file_is_a_secret_of_webhooks(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\nwhsec_" + "A" * 84 + "AA==\n")
    first, second = webhook_secrets(settings(WEBHOOK_SECRET_FILE=str(file)))
    assert (first.hex()[:8], second) == ("31f290f6", bytes(64))


@pytest.mark.parametrize(
    "text",
    [
        *("", "\n", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_c2hvcnQ="),
        *("whsec_" + "A" * 88, "whsec_not base64", "whsec_" + "ü" * 32),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n" * 5,
    ],
)
def test_other_secrets_of_webhooks_are_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "secrets"
    file.write_text(text, "utf-8")
    with pytest.raises(SettingsInvalid) as caught:
        webhook_secrets(settings(WEBHOOK_SECRET_FILE=str(file)))
    (problem,) = caught.value.problems
    assert problem == (
        f"{PREFIX}WEBHOOK_SECRET_FILE: must be a readable file with 1 to 4 lines, each whsec_ and "
        "the Base64 of 24 to 64 bytes."
    )


def test_the_ca_of_a_receiver_of_webhooks_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(SettingsInvalid, match="WEBHOOK_CA_FILE: must be readable certificates"):
        webhook_tls(settings(WEBHOOK_CA_FILE=str(tmp_path / "ca.pem")))
