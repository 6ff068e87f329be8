# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest

from stream.config.settings import Settings, load_settings
from stream.kafka.topic_checks import Findings, Found, compare, printed

SETTINGS = load_settings({"SHADOWPOINTS_PARTITIONS": "3"})
NAMES = SETTINGS.topics
DAY_MS = 86_400_000


def as_wanted() -> dict[str, Found]:
    return {name: Found(3, 1, config) for name, config in NAMES.all().items()}


def with_one(name: str, **changes: str) -> Findings:
    """What is said when one topic has other values; ``_`` stands for ``.``."""
    found = as_wanted()
    other = {key.replace("_", "."): value for key, value in changes.items()}
    found[name] = replace(found[name], config={**(found[name].config or {}), **other})
    return compare(found, SETTINGS)


def test_topics_as_they_must_be_are_not_spoken_of() -> None:
    assert compare(as_wanted(), SETTINGS) == Findings()


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"cleanup_policy": "delete", "retention_ms": str(7 * DAY_MS)}, True),
        ({"cleanup_policy": "compact,delete", "retention_ms": str(7 * DAY_MS)}, True),
        ({"cleanup_policy": "delete", "retention_ms": "-1", "retention_bytes": "1000"}, True),
        ({"cleanup_policy": "delete", "retention_ms": "-1", "retention_bytes": "-1"}, False),
        ({"retention_ms": str(7 * DAY_MS)}, None),  # nothing is deleted by compaction alone
        ({"max_message_bytes": "1048588"}, True),
        ({"max_message_bytes": "10485760"}, None),
        ({"message_timestamp_type": "CreateTime"}, True),
        ({"segment_ms": str(7 * DAY_MS)}, False),
    ],
)
def test_what_loses_log_or_times_is_refused(changes: dict[str, str], refused: bool | None) -> None:
    said = with_one(NAMES.resolved, **changes)
    expected = {True: (1, 0), False: (0, 1), None: (0, 0)}[refused]
    assert (len(said.problems), len(said.warnings)) == expected


def test_one_sentence_names_all_there_is_to_alter_in_one_command() -> None:
    (said,) = with_one(NAMES.exports, cleanup_policy="delete", retention_ms="1").warnings
    assert said == (
        "Topic shadow.exports has cleanup.policy=delete and must have compact,delete; has "
        "retention.ms=1 and must have 604800000. Run: kafka-configs.sh --bootstrap-server "
        "localhost:9092 --alter --entity-type topics --entity-name shadow.exports --add-config "
        "cleanup.policy=[compact,delete],retention.ms=604800000"
    )


def test_sources_are_their_producers() -> None:
    found = as_wanted()
    for number, name in enumerate(NAMES.sources):
        config = {**(found[name].config or {}), "cleanup.policy": "compact"}
        found[name] = Found(40 + number, 2, config)
    assert compare(found, SETTINGS) == Findings()


def test_a_configuration_that_may_not_be_described_is_said_once() -> None:
    found = {name: replace(topic, config=None) for name, topic in as_wanted().items()}
    said = compare(found, SETTINGS)
    assert said.problems == []
    assert len(said.warnings) == 1
    assert "15 topics" in said.warnings[0]


def test_a_locked_broker_needs_to_know_who_asks() -> None:
    locked = Settings(kafka_security_protocol="SSL", partitions=3)
    found = as_wanted() | {NAMES.resolved: Found(3, 1, {})}
    (said,) = compare(found, locked).problems
    assert " --command-config admin.properties --alter " in said


def test_all_topics_are_printed_for_a_console() -> None:
    lines = list(printed(SETTINGS))
    assert [line for line in lines if not line.startswith(" ")] == list(NAMES.all())
    at = lines.index(NAMES.resolved)
    block = lines[at + 1 : at + 9]
    assert "    partitions=3" in block
    assert "    cleanup.policy=compact" in block
    assert "    max.message.bytes=8388608" in block
    assert "    message.timestamp.type=LogAppendTime" in block
    assert "    partitions=3  (or any other number)" in lines
