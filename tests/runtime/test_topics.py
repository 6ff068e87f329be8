from __future__ import annotations

from schemas import OUTPUT_TOPICS, SOURCE_TOPICS
from stream.engine.decision import Channel
from stream.runtime.topics import CHANNELS, DEAD_LETTERS, SOURCES, TopicNames


def test_the_contracts_know_the_same_topics() -> None:
    assert set(SOURCES) == set(SOURCE_TOPICS)
    assert set(CHANNELS.values()) == set(OUTPUT_TOPICS) - {DEAD_LETTERS}
    assert set(CHANNELS) == set(Channel)


def test_a_prefix_is_put_before_every_name_and_taken_off_again() -> None:
    names = TopicNames("try.")

    assert all(name.startswith("try.") for name in names.all())
    assert [names.plain(name) for name in names.sources] == list(SOURCES)
    assert set(names.all()) == {
        *names.sources,
        names.resolved,
        names.dead_letters,
        *(names.channel(channel) for channel in Channel),
    }


def test_the_log_is_kept_for_ever_and_dead_letters_are_larger_than_their_originals() -> None:
    configs = TopicNames().all()

    assert configs["shadow.resolved"]["retention.ms"] == "-1"
    assert configs["shadow.resolved"]["cleanup.policy"] == "delete"
    largest = max(int(configs[name]["max.message.bytes"]) for name in SOURCES)
    assert int(configs[DEAD_LETTERS]["max.message.bytes"]) > largest
