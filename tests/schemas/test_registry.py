# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import schemas
from schemas import CONTRACTS, HINT_TOPICS, OUTPUT_TOPICS, SOURCE_TOPICS
from tests.schemas.samples import TYPES


@pytest.mark.parametrize("event_type", TYPES)
def test_types_are_named_subject_action_version(event_type: str) -> None:
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+\.v[1-9][0-9]*", event_type)
    contract = CONTRACTS[event_type]
    assert contract.type == event_type
    topics = {"in": SOURCE_TOPICS, "hint": HINT_TOPICS, "out": OUTPUT_TOPICS}[contract.direction]
    assert contract.topics
    assert set(contract.topics) <= set(topics)


def test_the_topics() -> None:
    assert (
        *("wechat.pay", "wechat.official-account", "wechat.mini-program", "event.check-in"),
        *("crm.enrolments", "privacy.requests"),
    ) == SOURCE_TOPICS
    assert (
        *("shadow.offers", "shadow.ledger", "shadow.identity", "shadow.traits"),
        *("shadow.exports", "shadow.rules"),
    ) == OUTPUT_TOPICS
    assert HINT_TOPICS == ("wechat.shop",)
    assert not {*HINT_TOPICS} & {*SOURCE_TOPICS, *OUTPUT_TOPICS}


def test_a_type_may_have_several_topics() -> None:
    assert CONTRACTS["card.accepted.v1"].topics == ("wechat.pay", "wechat.official-account")
    assert CONTRACTS["unionid.resolved.v1"].topics == (
        "wechat.pay",
        "wechat.official-account",
        "wechat.mini-program",
    )


@pytest.mark.slow
def test_the_contracts_need_neither_faust_nor_kafka_nor_redis() -> None:
    code = "import schemas, sys; print(sorted({'faust', 'aiokafka', 'redis'} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(schemas.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "[]\n"
