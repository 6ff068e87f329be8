"""Every topic in one place: its name, and what it must be like on the broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from schemas.exports import EXPORT_BYTES_MAX
from stream.engine.decision import Channel

SOURCES: Final = (
    "wechat.pay",
    "wechat.official-account",
    "wechat.mini-program",
    "event.check-in",
    "crm.enrolments",
    "privacy.requests",
)
RESOLVED: Final = "shadow.resolved"
DEAD_LETTERS: Final = "shadow.dead-letters"
EXPORTS: Final = "shadow.exports"
CHANNELS: Final[Mapping[Channel, str]] = {
    Channel.OFFERS: "shadow.offers",
    Channel.LEDGER: "shadow.ledger",
    Channel.IDENTITY: "shadow.identity",
}

SOURCE_BYTES_MAX: Final = 1_048_588  # Kafka's own default for max.message.bytes
DEAD_LETTER_BYTES_MAX: Final = 2 * SOURCE_BYTES_MAX  # the original and the headers about it
RESOLVED_BYTES_MAX: Final = 16_777_216  # an Attach carries all that an origin ever did
EXPORT_DAYS: Final = 7  # whoever asked for an export has fetched it by then
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True)
class TopicNames:
    """The topics as one deployment calls them: each with the same prefix."""

    prefix: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(self.prefix + name for name in SOURCES)

    @cached_property
    def resolved(self) -> str:
        return self.prefix + RESOLVED

    @property
    def dead_letters(self) -> str:
        return self.prefix + DEAD_LETTERS

    @property
    def exports(self) -> str:
        return self.prefix + EXPORTS

    @property
    def outputs(self) -> tuple[str, ...]:
        """What others read."""
        return (*map(self.channel, CHANNELS), self.exports)

    @property
    def written(self) -> tuple[str, ...]:
        """What the engine writes."""
        return (self.resolved, *self.outputs, self.dead_letters)

    def channel(self, channel: Channel) -> str:
        return self._channels[channel]

    @cached_property
    def _channels(self) -> dict[Channel, str]:
        return {channel: self.prefix + name for channel, name in CHANNELS.items()}

    def plain(self, topic: str) -> str:
        """The name without the prefix, by which the contracts know a topic."""
        return topic.removeprefix(self.prefix)

    def all(self) -> dict[str, dict[str, str]]:
        """Every topic with its configuration on the broker."""
        configs = {name: _source() for name in self.sources}
        configs[self.resolved] = _resolved()
        configs |= {self.channel(channel): _output() for channel in CHANNELS}
        configs[self.exports] = _exports()
        configs[self.dead_letters] = _dead_letters()
        return configs


def _source() -> dict[str, str]:
    return {"max.message.bytes": str(SOURCE_BYTES_MAX)}


def _resolved() -> dict[str, str]:
    """The truth from which all state can be rebuilt: kept for ever, but for what is erased.

    Compaction removes nothing else, since no two records have one key.
    """
    return _erasable(1) | {"max.message.bytes": str(RESOLVED_BYTES_MAX)}


def _output() -> dict[str, str]:
    """Kept until erased. Who reads but once a month still sees each tombstone."""
    return _erasable(30)


def _exports() -> dict[str, str]:
    return _output() | {
        "cleanup.policy": "compact,delete",
        "retention.ms": str(EXPORT_DAYS * _DAY_MS),
        "max.message.bytes": str(EXPORT_BYTES_MAX),
    }


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
    return {
        "cleanup.policy": "compact",
        "segment.ms": str(_DAY_MS),
        "max.compaction.lag.ms": str(7 * _DAY_MS),
        "delete.retention.ms": str(tombstone_days * _DAY_MS),
    }
