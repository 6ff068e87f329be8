"""Every topic in one place: its name, and what it must be like on the broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

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
CHANNELS: Final[Mapping[Channel, str]] = {
    Channel.OFFERS: "shadow.offers",
    Channel.LEDGER: "shadow.ledger",
    Channel.IDENTITY: "shadow.identity",
}

SOURCE_BYTES_MAX: Final = 1_048_588  # Kafka's own default for max.message.bytes
DEAD_LETTER_BYTES_MAX: Final = 2 * SOURCE_BYTES_MAX  # the original and the headers about it
RESOLVED_BYTES_MAX: Final = 16_777_216  # an Attach carries all that an origin ever did
_FOR_EVER: Final = "-1"
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class TopicNames:
    """The topics as one deployment calls them: each with the same prefix."""

    prefix: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(self.prefix + name for name in SOURCES)

    @property
    def resolved(self) -> str:
        return self.prefix + RESOLVED

    @property
    def dead_letters(self) -> str:
        return self.prefix + DEAD_LETTERS

    def channel(self, channel: Channel) -> str:
        return self.prefix + CHANNELS[channel]

    def plain(self, topic: str) -> str:
        """The name without the prefix, by which the contracts know a topic."""
        return topic.removeprefix(self.prefix)

    def all(self) -> dict[str, dict[str, str]]:
        """Every topic with its configuration on the broker."""
        configs = {name: _source() for name in self.sources}
        configs[self.resolved] = _resolved()
        configs |= {self.channel(channel): _output() for channel in CHANNELS}
        configs[self.dead_letters] = _dead_letters()
        return configs


def _source() -> dict[str, str]:
    return {"max.message.bytes": str(SOURCE_BYTES_MAX)}


def _resolved() -> dict[str, str]:
    """The truth from which all state can be rebuilt: kept for ever, in order, uncompacted."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": _FOR_EVER,
        "retention.bytes": _FOR_EVER,
        "max.message.bytes": str(RESOLVED_BYTES_MAX),
    }


def _output() -> dict[str, str]:
    return {"retention.ms": str(30 * _DAY_MS)}


def _dead_letters() -> dict[str, str]:
    return {
        "retention.ms": str(90 * _DAY_MS),
        "max.message.bytes": str(DEAD_LETTER_BYTES_MAX),
    }
