# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import os

import pytest
from click.testing import CliRunner, Result

from stream.cli import main
from stream.config.settings import load_settings
from stream.kafka.topic_admin import create_topics
from tests.conftest import Kafka
from tests.services.process import free_ports


def run(*args: str, **variables: str) -> Result:
    ours: dict[str, str | None] = {n: None for n in os.environ if n.startswith("SHADOWPOINTS_")}
    env = ours | {f"SHADOWPOINTS_{name}": value for name, value in variables.items()}
    return CliRunner().invoke(main, ["sources", "resume", *args], env=env)


@pytest.mark.parametrize(
    ("args", "variables", "said"),
    [
        (
            ["shadow.resolved", "0"],
            {},
            "shadow.resolved is not a source topic; they are: wechat.pay",
        ),
        (["wechat.pay", "0"], {"REDIS_URL": "memory://"}, "needs the workers' Redis"),
    ],
)
def test_what_cannot_go_on_is_reported(
    args: list[str], variables: dict[str, str], said: str
) -> None:
    result = run(*args, **variables)
    assert result.exit_code == 1
    assert said in result.stderr


def test_a_partition_is_a_number() -> None:
    assert run("wechat.pay", "-1").exit_code == 2


def test_a_broker_which_is_not_there_is_a_sentence() -> None:
    (port,) = free_ports(1)
    result = run("wechat.pay", "0", KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{port}")
    assert result.exit_code == 1
    assert "cannot be asked" in result.stderr


@pytest.mark.integration
def test_a_partition_that_is_not_there_is_reported(kafka: Kafka, namespace: str) -> None:
    deployed = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "TOPIC_PREFIX": f"{namespace}.",
        "PARTITIONS": "2",
    }
    topic = f"{namespace}.wechat.pay"
    result = run("wechat.pay", "0", **deployed)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Topic {topic} does not exist")

    asyncio.run(create_topics(load_settings({f"SHADOWPOINTS_{k}": v for k, v in deployed.items()})))
    result = run("wechat.pay", "2", **deployed)
    assert result.exit_code == 1
    assert result.stderr == f"Topic {topic} has no partition 2.\n"
