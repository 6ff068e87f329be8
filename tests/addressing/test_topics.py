# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from schemas import OUTPUT_TOPICS, SOURCE_TOPICS
from stream.addressing.topics import CHANNELS, DEAD_LETTERS, EXPORTS, RULES, SOURCES, TopicNames
from stream.engine.model.decision import Channel

DAY_MS = 86_400_000


def test_the_contracts_know_the_same_topics() -> None:
    assert set(SOURCES) == set(SOURCE_TOPICS)
    assert {*CHANNELS.values(), EXPORTS, RULES} == set(OUTPUT_TOPICS)
    assert set(CHANNELS) == set(Channel)


def test_a_prefix_is_put_before_every_name_and_taken_off_again() -> None:
    names = TopicNames("try.")

    assert all(name.startswith("try.") for name in names.all())
    assert [names.plain(name) for name in names.sources] == list(SOURCES)
    assert set(names.all()) == {
        *names.sources,
        *names.hints,
        names.resolved,
        names.dead_letters,
        names.exports,
        names.rules,
        *(names.channel(channel) for channel in Channel),
    }


def test_single_records_of_ours_can_be_erased_and_only_two_topics_expire() -> None:
    configs = TopicNames().all()

    ours = {name: config for name, config in configs.items() if name.startswith("shadow.")}
    policies = {name: config["cleanup.policy"] for name, config in ours.items()}
    assert policies.pop(DEAD_LETTERS) == policies.pop(EXPORTS) == "compact,delete"
    assert set(policies.values()) == {"compact"}
    assert all(config["max.compaction.lag.ms"] == str(7 * DAY_MS) for config in ours.values())
    assert all(config["segment.ms"] == str(DAY_MS) for config in ours.values())
    expiring = {name: ours[name]["retention.ms"] for name in ours if "retention.ms" in ours[name]}
    assert expiring == {DEAD_LETTERS: str(90 * DAY_MS), EXPORTS: str(7 * DAY_MS)}
    assert all("cleanup.policy" not in configs[name] for name in SOURCES)


def test_dead_letters_are_larger_than_their_originals() -> None:
    configs = TopicNames().all()

    largest = max(int(configs[name]["max.message.bytes"]) for name in SOURCES)
    assert int(configs[DEAD_LETTERS]["max.message.bytes"]) > largest
