# SPDX-License-Identifier: Apache-2.0
"""Which settings for TLS, users and passwords go together, and that no secret is ever shown."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from stream.config.settings import PREFIX, Settings, SettingsInvalid, load_settings

SECRET = "s3cret-of-the-user"
SASL = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_USERNAME": "worker"}


def settings(**variables: str) -> Settings:
    return load_settings({PREFIX + name: value for name, value in variables.items()})


def problems_of(**variables: str) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        settings(**variables)
    return caught.value.problems


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "file"
    path.write_text(SECRET, "utf-8")
    return str(path)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"KAFKA_SECURITY_PROTOCOL": "SSL"},
        {**SASL, "KAFKA_PASSWORD": SECRET},
        {**SASL, "KAFKA_PASSWORD": SECRET, "KAFKA_SASL_MECHANISM": "PLAIN"},
        {"KAFKA_PASSWORD": "", "KAFKA_SASL_MECHANISM": "", "KAFKA_CA_FILE": ""},
        {"REDIS_URL": "rediss://redis:6380", "REDIS_PASSWORD": SECRET},
        {"REDIS_URL": f"redis://:{SECRET}@redis:6379/0"},
        {"HASH_KEY": SECRET},
    ],
)
def test_what_goes_together_is_taken(variables: dict[str, str]) -> None:
    assert settings(**variables).namespace == "shadowpoints"


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"KAFKA_PASSWORD": SECRET}, ["PLAINTEXT", "KAFKA_PASSWORD"]),
        ({"KAFKA_SASL_MECHANISM": "PLAIN"}, ["PLAINTEXT", "KAFKA_SASL_MECHANISM"]),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_USERNAME": "w"}, ["SSL", "KAFKA_USERNAME"]),
        ({**SASL}, ["KAFKA_PASSWORD or", "KAFKA_PASSWORD_FILE"]),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_PASSWORD": SECRET},
            ["needs", "KAFKA_USERNAME"],
        ),
        ({**SASL, "KAFKA_PASSWORD": SECRET, "KAFKA_PASSWORD_FILE": "{file}"}, ["not both"]),
        ({"KAFKA_CA_FILE": "{file}"}, ["PLAINTEXT", "KAFKA_CA_FILE"]),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CERT_FILE": "{file}"},
            ["KAFKA_CERT_FILE needs", "KAFKA_KEY_FILE"],
        ),
        ({"REDIS_CA_FILE": "{file}"}, ["REDIS_CA_FILE", "rediss://"]),
        ({"REDIS_USERNAME": "w"}, ["REDIS_USERNAME needs", "REDIS_PASSWORD_FILE"]),
        ({"REDIS_URL": "redis://w@redis:6379"}, ["REDIS_USERNAME needs"]),
        ({"REDIS_PASSWORD": SECRET, "REDIS_PASSWORD_FILE": "{file}"}, ["not both"]),
        ({"HASH_KEY": SECRET, "HASH_KEY_FILE": "{file}"}, ["HASH_KEY or", "not both"]),
        ({"HASH_KEY": "too-short"}, ["HASH_KEY", "16"]),
        ({"REDIS_URL": "memory://", "REDIS_PASSWORD": SECRET}, ["memory://", "REDIS_PASSWORD"]),
        (
            {"REDIS_URL": f"redis://w:{SECRET}@redis", "REDIS_PASSWORD": SECRET},
            ["REDIS_URL names a user", "say it once"],
        ),
    ],
)
def test_what_contradicts_itself_is_refused_with_a_sentence(
    variables: dict[str, str], words: list[str], file: str
) -> None:
    (problem,) = problems_of(**{k: v.format(file=file) for k, v in variables.items()})
    assert all(word in problem for word in words), problem
    assert problem.endswith(".")
    assert SECRET not in problem


def test_every_contradiction_is_reported_at_once() -> None:
    problems = problems_of(KAFKA_SECURITY_PROTOCOL="SASL_SSL", REDIS_USERNAME="w")
    assert len(problems) == 3


def test_settings_given_by_hand_ignore_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHADOWPOINTS_REDIS_PASSWORD", SECRET)
    assert settings().redis_password is None
    assert load_settings().redis_password is not None


def test_user_and_password_leave_the_url() -> None:
    found = settings(REDIS_URL="rediss://eve:p%40ss%2Fword@[::1]:6380/2")
    assert found.redis_url == "rediss://[::1]:6380/2"
    assert found.redis_username == "eve"
    assert found.redis_password is not None
    assert found.redis_password.get_secret_value() == "p@ss/word"


@pytest.mark.parametrize(
    "url",
    [
        f"redis://w:12#{SECRET}@redis:6379",
        f"redis://w:12/{SECRET}@redis:6379",
        f"redis://w:12?{SECRET}@redis:6379",
        f"redis://redis:6379/0?password={SECRET}",
        f"redis://redis:6379/{SECRET}",
        f"http://w:{SECRET}@redis:6379",
    ],
)
def test_an_url_which_would_hide_a_password_elsewhere_is_refused(url: str) -> None:
    (problem,) = problems_of(REDIS_URL=url)
    assert "REDIS_URL: must be redis://" in problem
    assert SECRET not in problem


def test_a_user_in_the_addresses_of_kafka_is_refused() -> None:
    (problem,) = problems_of(KAFKA_BOOTSTRAP_SERVERS=f"w:{SECRET}@kafka:9092")
    assert SECRET not in problem


def test_no_form_of_the_settings_shows_a_secret() -> None:
    url = f"rediss://w:{SECRET}-too@redis:6380/0"
    found = settings(**SASL, KAFKA_PASSWORD=SECRET, REDIS_URL=url)
    shown = [repr(found), str(found), str(found.model_dump()), found.model_dump_json()]
    assert [text for text in shown if SECRET in text] == []
    assert SECRET.encode() in pickle.dumps(found)  # it is there


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://crm.example.com/in", "must be https://host/path"),
        ("ftp://crm.example.com/in", "must be https://host/path"),
        ("crm.example.com", "must be https://host/path"),
        ("https://", "must be https://host/path"),
        ("https://crm:token-1@crm.example.com/in", "takes no user"),
        ("https://crm.example.com/in#token-1", "takes no user"),
        ("https://crm.example.com:token-1/in", "must be https://host/path"),
    ],
)
def test_a_receiver_of_webhooks_has_tls_and_no_password(url: str, said: str) -> None:
    (problem,) = problems_of(WEBHOOK_URL=url)
    assert problem.startswith(f"{PREFIX}WEBHOOK_URL: {said}")
    assert "token-1" not in problem


@pytest.mark.parametrize("url", ["https://crm.example.com/in?key=token-1", "http://127.0.0.1:1/"])
def test_the_url_of_a_receiver_is_masked(url: str) -> None:
    found = settings(WEBHOOK_URL=url)
    assert found.webhook_url is not None
    assert found.webhook_url.get_secret_value() == url
    assert url not in repr(found)
