from __future__ import annotations

from pathlib import Path

import pytest

from stream.settings import PREFIX, Settings, SettingsInvalid, load_settings


def problems_of(**variables: str) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings({PREFIX + name: value for name, value in variables.items()})
    return caught.value.problems


def test_the_defaults_are_usable() -> None:
    settings = load_settings({"PATH": "/bin"})

    assert settings.partitions == 8
    assert settings.web_port == 0
    assert settings.rules is None
    assert settings.topics.resolved == "shadow.resolved"


def test_variables_are_read() -> None:
    settings = load_settings(
        {
            "SHADOWPOINTS_KAFKA_BOOTSTRAP_SERVERS": "kafka-1:9092, kafka-2:9092",
            "SHADOWPOINTS_REDIS_URL": "rediss://user:secret@redis:6380/1",
            "SHADOWPOINTS_PARTITIONS": "12",
            "SHADOWPOINTS_REDIS_CLUSTER": "true",
            "SHADOWPOINTS_RULES": "",
            "SHADOWPOINTS_APPS": __file__,
            "SHADOWPOINTS_TOPIC_PREFIX": "eu.",
        }
    )

    assert settings.partitions == 12
    assert settings.redis_cluster is True
    assert settings.rules is None
    assert settings.apps == Path(__file__)
    assert settings.topics.sources[0] == "eu.wechat.pay"


def test_all_problems_are_told_at_once_each_with_its_variable() -> None:
    problems = problems_of(
        PARTITONS="8",
        PARTITIONS="0",
        REDIS_URL="http://redis:6379",
        RULES="/nowhere/rules.yaml",
        WEB_PORT="many",
        KAFKA_BOOTSTRAP_SERVERS="kafka",
    )

    assert sorted(
        problem.removeprefix(PREFIX).split(":")[0].split(" ")[0] for problem in problems
    ) == [
        "KAFKA_BOOTSTRAP_SERVERS",
        "PARTITIONS",
        "PARTITONS",
        "REDIS_URL",
        "RULES",
        "WEB_PORT",
    ]


@pytest.mark.parametrize(
    "url",
    ["", "redis", "redis://", "http://redis:6379", "redis://redis:99999", "memory", "unix:///s"],
)
def test_an_address_which_cannot_be_one_is_refused(url: str) -> None:
    assert len(problems_of(REDIS_URL=url)) == 1


def test_a_value_is_never_repeated() -> None:
    problems = problems_of(REDIS_URL="http://user:hunter2@redis", PARTITIONS="hunter2")

    assert "hunter2" not in " ".join(problems)


def test_heartbeats_fit_into_the_session() -> None:
    (problem,) = problems_of(SESSION_TIMEOUT_S="6", HEARTBEAT_INTERVAL_S="3")

    assert "HEARTBEAT_INTERVAL_S" in problem
    assert "SESSION_TIMEOUT_S" in problem


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
