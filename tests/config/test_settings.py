# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from stream.config.settings import PREFIX, Settings, SettingsInvalid, load_settings


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
            "SHADOWPOINTS_REDIS_URL": "rediss://user:secret@redis:6380/0",
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


def test_all_problems_are_reported_at_once_each_with_its_variable() -> None:
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
    ) == ["KAFKA_BOOTSTRAP_SERVERS", "PARTITIONS", "PARTITONS", "REDIS_URL", "RULES", "WEB_PORT"]


@pytest.mark.parametrize(
    "url",
    [
        *("", "redis", "redis://", "http://redis:6379", "redis://redis:99999", "memory"),
        *("unix://", "unix:///", "unix://user:secret@/s", "unix:///s?db=x", "unix:///s?protocol=3"),
        *("redis://redis/0?db=3", "redis://redis/three", "sentinel://redis:26379", "valkey://"),
    ],
)
def test_an_address_which_cannot_be_one_is_refused(url: str) -> None:
    (problem,) = problems_of(REDIS_URL=url)
    assert problem.startswith(f"{PREFIX}REDIS_URL: must be redis://host:port/0, ")


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("valkey://redis:6379/3", "redis://redis:6379/3"),
        ("valkeys://redis:6380", "rediss://redis:6380"),
        ("valkeys://user:secret@redis:6380", "rediss://redis:6380"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("unix:///run/redis.sock?db=2", "unix:///run/redis.sock?db=2"),
    ],
)
def test_these_addresses_will_do(url: str, meant: str) -> None:
    assert load_settings({f"{PREFIX}REDIS_URL": url}).redis_url == meant


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://redis:6379/3", "a cluster has database 0 alone"),
        ("valkeys://redis/10", "a cluster has database 0 alone"),
        ("unix:///run/redis.sock", "name a node by host and port"),
    ],
)
def test_what_a_cluster_cannot_have_is_refused(url: str, words: str) -> None:
    (problem,) = problems_of(REDIS_URL=url, REDIS_CLUSTER="true")
    assert words in problem
    assert f"{PREFIX}REDIS_CLUSTER" in problem


def test_a_store_is_durable_by_its_file_or_elsewhere() -> None:
    assert load_settings({}).redis_durable == "aof"
    assert load_settings({f"{PREFIX}REDIS_DURABLE": "elsewhere"}).redis_durable == "elsewhere"
    (problem,) = problems_of(REDIS_DURABLE="no")
    assert problem.startswith(f"{PREFIX}REDIS_DURABLE: ")


def test_a_value_is_never_repeated() -> None:
    problems = problems_of(REDIS_URL="http://user:hunter2@redis", PARTITIONS="hunter2")
    assert "hunter2" not in " ".join(problems)


def test_heartbeats_fit_into_the_session() -> None:
    (problem,) = problems_of(SESSION_TIMEOUT_S="6", HEARTBEAT_INTERVAL_S="3")
    assert "HEARTBEAT_INTERVAL_S" in problem
    assert "SESSION_TIMEOUT_S" in problem


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
