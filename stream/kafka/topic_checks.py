# SPDX-License-Identifier: Apache-2.0
"""Compare the topics on a broker with what they must be, and print the commands that alter them.

Refused is what loses or falsifies data: another number of partitions, a log with deletion or
without the broker's times, a topic that takes less than is written to it. Other differences are
warnings. Sources belong to their producers: only their clock is checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from stream.config.connections import PREFIX
from stream.config.settings import Settings

CLEANUP: Final = "cleanup.policy"
BYTES: Final = "max.message.bytes"
CLOCK: Final = "message.timestamp.type"
_RETENTION: Final = ("retention.ms", "retention.bytes")
_FOR_EVER: Final = "-1"
_UNSEEN: Final = (
    "The configuration of {number} topics may not be described (the right DescribeConfigs): "
    "compare it with `shadowpoints topics create --print`."
)


@dataclass(frozen=True, slots=True)
class Found:
    """A topic as the broker has it; ``config`` is ``None`` where it may not be described."""

    partitions: int
    replicas: int
    config: Mapping[str, str] | None


@dataclass(slots=True)
class Findings:
    """A sentence for each topic: ``problems`` prevent a start, ``warnings`` are printed."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Topic:
    """The findings about one topic."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    alter: dict[str, str] = field(default_factory=dict)


def compare(found: Mapping[str, Found], settings: Settings) -> Findings:
    """What is wrong with the existing topics."""
    answer = Findings()
    for name, wanted in settings.topics.all().items():
        if name not in found:
            continue
        topic = _compare(name, found[name], wanted, settings)
        said = "; ".join(topic.problems + topic.warnings)
        if said:
            command = f" Run: {_command(name, topic.alter, settings)}" if topic.alter else ""
            to = answer.problems if topic.problems else answer.warnings
            to.append(f"Topic {name} {said}.{command}")
    unseen = [name for name in settings.topics.all() if name in found and _unseen(found[name])]
    if unseen:
        answer.warnings.append(_UNSEEN.format(number=len(unseen)))
    return answer


def printed(settings: Settings) -> Iterator[str]:
    """All topics with their configuration, for an operator who creates them by hand."""
    for name, config in settings.topics.all().items():
        own = name in settings.topics.written
        yield name
        yield f"    partitions={settings.partitions}" + ("" if own else "  (or any other number)")
        yield f"    replication.factor={settings.replication_factor}"
        yield from (f"    {key}={value}" for key, value in sorted(config.items()))


def _unseen(found: Found) -> bool:
    return found.config is None


def _compare(name: str, found: Found, wanted: Mapping[str, str], settings: Settings) -> _Topic:
    topic, own = _Topic(), name not in settings.topics.sources
    resolved = name == settings.topics.resolved
    if name in settings.topics.written and found.partitions != settings.partitions:
        topic.problems.append(
            f"has {found.partitions} partitions and must have {settings.partitions}: set "
            f'{PREFIX}PARTITIONS to what it has (more of them: docs/operations.md, "More '
            'partitions")'
        )
    if own and found.replicas < settings.replication_factor:
        topic.warnings.append(
            f"has {found.replicas} copies of a partition and should have "
            f"{settings.replication_factor}: kafka-reassign-partitions.sh adds them"
        )
    if found.config is not None:
        _compare_clock(topic, found.config, wanted, own, resolved)
        if own:
            _compare_config(topic, found.config, wanted, resolved)
    return topic


def _compare_clock(
    topic: _Topic, config: Mapping[str, str], wanted: Mapping[str, str], own: bool, resolved: bool
) -> None:
    if config.get(CLOCK) == wanted[CLOCK]:
        return
    topic.alter[CLOCK] = wanted[CLOCK]
    writer = "a worker's" if own else "the producer's"
    to = topic.problems if resolved else topic.warnings
    to.append(
        f"has {CLOCK}={config.get(CLOCK)}: {writer} clock decides when a record came, and when "
        "it is too old"
    )


def _compare_config(
    topic: _Topic, config: Mapping[str, str], wanted: Mapping[str, str], resolved: bool
) -> None:
    for key, value in wanted.items():
        has = config.get(key, "")
        if key == CLOCK or _fits(key, has, value):
            continue
        topic.alter[key] = value
        deletes = resolved and key == CLEANUP and _deletes(config)
        to = topic.problems if deletes or key == BYTES else topic.warnings
        why = ", which deletes the log that all state is made of" if deletes else ""
        to.append(f"has {key}={has} and must have {value}{why}")


def _fits(key: str, has: str, wanted: str) -> bool:
    if key == CLEANUP:
        return set(has.replace(" ", "").split(",")) == set(wanted.split(","))
    if key == BYTES:
        return int(has or 0) >= int(wanted)
    return has == wanted


def _deletes(config: Mapping[str, str]) -> bool:
    limited = any(config.get(key, _FOR_EVER) != _FOR_EVER for key in _RETENTION)
    return limited and "delete" in config.get(CLEANUP, "")


def _command(name: str, alter: Mapping[str, str], settings: Settings) -> str:
    """The command of Kafka's own tool, which takes a list of values in brackets."""
    pairs = ",".join(f"{k}=[{v}]" if "," in v else f"{k}={v}" for k, v in sorted(alter.items()))
    locked = settings.kafka_security_protocol != "PLAINTEXT"
    login = "--command-config admin.properties " if locked else ""
    return (
        f"kafka-configs.sh --bootstrap-server {settings.kafka_bootstrap_servers} {login}--alter "
        f"--entity-type topics --entity-name {name} --add-config {pairs}"
    )
