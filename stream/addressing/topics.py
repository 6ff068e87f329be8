# SPDX-License-Identifier: Apache-2.0
"""The topics of a deployment: their names with its prefixes, and their broker configurations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from schemas import HINT_TOPICS, SOURCE_TOPICS
from schemas.exports import EXPORT_BYTES_MAX
from schemas.rulesets import RULESET_BYTES_MAX
from schemas.topics import (
    TOPIC_DEAD_LETTERS,
    TOPIC_EXPORTS,
    TOPIC_IDENTITY,
    TOPIC_LEDGER,
    TOPIC_OFFERS,
    TOPIC_RESOLVED,
    TOPIC_RULES,
    TOPIC_TRAITS,
)
from stream.engine.model.decision import Channel

SOURCES: Final = SOURCE_TOPICS
HINTS: Final = HINT_TOPICS
RESOLVED: Final = TOPIC_RESOLVED
DEAD_LETTERS: Final = TOPIC_DEAD_LETTERS
EXPORTS: Final = TOPIC_EXPORTS
RULES: Final = TOPIC_RULES
CHANNELS: Final[Mapping[Channel, str]] = {
    Channel.OFFERS: TOPIC_OFFERS,
    Channel.LEDGER: TOPIC_LEDGER,
    Channel.IDENTITY: TOPIC_IDENTITY,
    Channel.TRAITS: TOPIC_TRAITS,
}

#: Topics whose events are delivered as webhooks.
WEBHOOKS: Final = (TOPIC_OFFERS,)

SOURCE_BYTES_MAX: Final = 1_048_588  # Kafka's own default for max.message.bytes
OUTPUT_BYTES_MAX: Final = 1_048_588  # what readers' clients take unasked
DEAD_LETTER_BYTES_MAX: Final = 2 * SOURCE_BYTES_MAX  # the original and the headers about it
RESOLVED_BYTES_MAX: Final = 8_388_608  # hosted Kafkas take 10 MB at most
METADATA_MAX_AGE_MS: Final = 10_000  # so soon a consumer sees new partitions and new topics
EXPORT_DAYS: Final = 7  # time to fetch an export
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True)
class TopicNames:
    """The topics as one deployment calls them: each with the same prefix.

    Two deployments may share the sources: ``own_prefix`` stands before the other names, too.
    """

    prefix: str = ""
    own_prefix: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(self.prefix + name for name in SOURCES)

    @property
    def hints(self) -> tuple[str, ...]:
        """What only the resolver reads."""
        return tuple(self.prefix + name for name in HINTS)

    @cached_property
    def resolved(self) -> str:
        return self._own(RESOLVED)

    @property
    def dead_letters(self) -> str:
        return self._own(DEAD_LETTERS)

    @property
    def exports(self) -> str:
        return self._own(EXPORTS)

    @property
    def rules(self) -> str:
        return self._own(RULES)

    @property
    def outputs(self) -> tuple[str, ...]:
        """What others read, and may be about people."""
        return (*map(self.channel, CHANNELS), self.exports)

    @property
    def webhooks(self) -> tuple[str, ...]:
        return tuple(map(self._own, WEBHOOKS))

    @property
    def written(self) -> tuple[str, ...]:
        """What the engine writes, and may be about people."""
        return (self.resolved, *self.outputs, self.dead_letters)

    def channel(self, channel: Channel) -> str:
        return self._channels[channel]

    @cached_property
    def _channels(self) -> dict[Channel, str]:
        return {channel: self._own(name) for channel, name in CHANNELS.items()}

    def bytes_max(self, topic: str) -> int:
        """The ``max.message.bytes`` of a topic which workers write."""
        return self._bytes_max[topic]

    @cached_property
    def _bytes_max(self) -> dict[str, int]:
        channels = dict.fromkeys(self._channels.values(), OUTPUT_BYTES_MAX)
        own = {self.resolved: RESOLVED_BYTES_MAX, self.dead_letters: DEAD_LETTER_BYTES_MAX}
        return channels | own

    def _own(self, name: str) -> str:
        return self.prefix + self.own_prefix + name

    def plain(self, topic: str) -> str:
        """A source's name without the prefix, by which the contracts know it."""
        return topic.removeprefix(self.prefix)

    def all(self) -> dict[str, dict[str, str]]:
        """Every topic with its configuration."""
        configs = {name: _source() for name in (*self.sources, *self.hints)}
        configs[self.resolved] = _resolved()
        configs |= {self.channel(channel): _output() for channel in CHANNELS}
        configs[self.exports] = _exports()
        configs[self.rules] = _rules()
        configs[self.dead_letters] = _dead_letters()
        return configs


#: The broker's clock decides when a record arrived, not a producer's or a worker's.
_BY_THE_BROKER: Final = {"message.timestamp.type": "LogAppendTime"}


def _source() -> dict[str, str]:
    return _BY_THE_BROKER | {"max.message.bytes": str(SOURCE_BYTES_MAX)}


def _resolved() -> dict[str, str]:
    """The truth from which all state can be rebuilt: kept for ever, but for what is erased.

    Compaction removes nothing else, since no two records have one key.
    """
    return _erasable(1) | {"max.message.bytes": str(RESOLVED_BYTES_MAX)}


def _output() -> dict[str, str]:
    """Kept until erased. A reader that runs once a month still sees each tombstone."""
    return _erasable(30) | {"max.message.bytes": str(OUTPUT_BYTES_MAX)}


def _exports() -> dict[str, str]:
    return _output() | {
        "cleanup.policy": "compact,delete",
        "retention.ms": str(EXPORT_DAYS * _DAY_MS),
        "max.message.bytes": str(EXPORT_BYTES_MAX),
    }


def _rules() -> dict[str, str]:
    """The latest record about each version, for ever."""
    return _output() | {"max.message.bytes": str(RULESET_BYTES_MAX)}


def _dead_letters() -> dict[str, str]:
    return _erasable(1) | {
        "cleanup.policy": "compact,delete",
        "retention.ms": str(90 * _DAY_MS),
        "max.message.bytes": str(DEAD_LETTER_BYTES_MAX),
    }


def _erasable(tombstone_days: int) -> dict[str, str]:
    """A record goes within about a week of its tombstone, which itself stays so many days more.

    By default Kafka compacts once half of a log is new, which a growing log may take years to
    reach; ``max.compaction.lag.ms`` (KIP-354) bounds that. The newest segment is never compacted,
    so it must not stay the newest for long: a day, and then until the next record comes.
    """
    return _BY_THE_BROKER | {
        "cleanup.policy": "compact",
        "segment.ms": str(_DAY_MS),
        "max.compaction.lag.ms": str(7 * _DAY_MS),
        "delete.retention.ms": str(tombstone_days * _DAY_MS),
    }
